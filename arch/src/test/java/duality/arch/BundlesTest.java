package duality.arch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Holds every bundle of the exported system against the rules of the architecture. */
class BundlesTest {

  private static List<Bundle> bundles = List.of();

  @BeforeAll
  static void readTheExportedSystem() throws IOException {
    Path jar = Workspace.ROOT.resolve("dist/target/duality.jar");
    assertTrue(
        Files.isRegularFile(jar), jar + " is not built; run 'mvn verify' for the whole workspace");
    // What is on the framework's class path is no bundle.
    bundles =
        Bundle.ofExportedSystem(jar).stream()
            .filter(bundle -> !bundle.name().equals("duality.launch"))
            .toList();
  }

  @Test
  void everyModuleWithABundleIsInTheSystem() throws IOException {
    var modules = new TreeSet<String>();
    for (Path pom : Workspace.files("pom.xml")) {
      if (pom.toString().contains(".bundle/")) {
        String text = Files.readString(pom);
        modules.add(
            text.replaceAll("(?s)<parent>.*?</parent>|<dependencies>.*", "")
                .replaceAll("(?s).*<artifactId>(.*?)<.*", "$1"));
      }
    }
    assertEquals(
        modules,
        bundles.stream().map(Bundle::name).collect(Collectors.toCollection(TreeSet::new)),
        "modules in *.bundle folders and bundles that cnf/duality.bndrun puts into the system");
  }

  @Test
  void theKernelStandsOnJavaAndOsgiAlone() {
    Bundle kernel =
        bundles.stream()
            .filter(bundle -> bundle.name().equals("duality.kernel"))
            .findFirst()
            .orElseThrow();
    none(Rules.kernelStandsAlone(kernel));
  }

  @Test
  void nobodyUsesAnUnexportedPackage() {
    none(Rules.onlyExportedPackagesAreUsed(bundles));
  }

  @Test
  void noPackageIsInTwoBundles() {
    none(Rules.noPackageIsSplit(bundles));
  }

  @Test
  void bundlesHaveNoCycles() {
    none(Rules.noCycles(bundles));
  }

  @Test
  void exportsAndImportsHaveVersions() {
    none(Rules.everythingIsVersioned(bundles));
  }

  @Test
  void serverBundlesExportNothing() {
    none(Rules.onlyApiBundlesExport(bundles));
  }

  @Test
  void serversAreReachedOnlyThroughTheKernel() {
    none(Rules.serversAreReachedThroughTheKernel(bundles));
  }

  @Test
  void everyPackageIsNullMarked() {
    none(Rules.everyPackageIsNullMarked(bundles));
  }

  private static void none(List<String> violations) {
    assertTrue(violations.isEmpty(), () -> "\n  " + String.join("\n  ", violations) + "\n");
  }
}
