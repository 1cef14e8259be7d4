package duality.arch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Each rule finds the fault it is there for. */
class RulesTest {

  private static Bundle bundle(
      String name, Map<String, String> exports, Map<String, String> imports) {
    return new Bundle(
        name, exports, imports, false, Set.of(name), imports.keySet(), List.of(), Set.of());
  }

  @Test
  void findsAKernelThatLeansOnALibrary() {
    Bundle kernel =
        bundle(
            "duality.kernel",
            Map.of(),
            Map.of("java.util", "", "org.osgi.framework", "[1,2)", "org.slf4j", "[1,2)"));
    assertEquals(List.of("duality.kernel uses org.slf4j"), Rules.kernelStandsAlone(kernel));
  }

  @Test
  void findsAnImportThatNobodyExports() {
    Bundle inside = bundle("duality.a", Map.of(), Map.of());
    Bundle outside = bundle("duality.b", Map.of(), Map.of("duality.a", "[1,2)"));
    assertEquals(
        List.of("duality.b imports duality.a, which nobody exports"),
        Rules.onlyExportedPackagesAreUsed(List.of(inside, outside)));
  }

  @Test
  void findsAUseWithoutImportAndADynamicImport() {
    Bundle api = bundle("duality.a", Map.of("duality.a", "1.0.0"), Map.of());
    Bundle user =
        new Bundle(
            "duality.b",
            Map.of(),
            Map.of(),
            true,
            Set.of("duality.b"),
            Set.of("duality.a"),
            List.of(),
            Set.of());
    assertEquals(
        List.of(
            "duality.b uses DynamicImport-Package or Require-Bundle",
            "duality.b uses duality.a without importing it"),
        Rules.onlyExportedPackagesAreUsed(List.of(api, user)));
  }

  @Test
  void findsASplitPackage() {
    Bundle one = bundle("duality.a", Map.of(), Map.of());
    Bundle two =
        new Bundle(
            "duality.b",
            Map.of(),
            Map.of(),
            false,
            Set.of("duality.a"),
            Set.of(),
            List.of(),
            Set.of());
    assertEquals(
        List.of("duality.a is in duality.a and in duality.b"),
        Rules.noPackageIsSplit(List.of(one, two)));
  }

  @Test
  void findsAMissingVersion() {
    Bundle api = bundle("duality.a", Map.of("duality.a", ""), Map.of());
    Bundle user = bundle("duality.b", Map.of(), Map.of("duality.a", "", "java.util", ""));
    assertEquals(
        List.of(
            "duality.a exports duality.a without a version",
            "duality.b imports duality.a without a version range"),
        Rules.everythingIsVersioned(List.of(api, user)));
  }

  @Test
  void findsAServerBundleThatExports() {
    Bundle server =
        bundle("duality.scheduler.fair", Map.of("duality.scheduler.fair", "1.0.0"), Map.of());
    assertEquals(
        List.of("duality.scheduler.fair exports [duality.scheduler.fair]"),
        Rules.onlyApiBundlesExport(List.of(server)));
  }

  @Test
  void findsAServerRegisteredUnderItsProtocol() {
    Set<String> twice =
        new java.util.TreeSet<>(Set.of("duality.kernel.Server", "duality.servers.Scheduler"));
    Bundle server =
        new Bundle(
            "duality.a", Map.of(), Map.of(), false, Set.of(), Set.of(), List.of(twice), Set.of());
    assertEquals(
        List.of(
            "duality.a registers one component as [duality.kernel.Server,"
                + " duality.servers.Scheduler]"),
        Rules.serversAreReachedThroughTheKernel(List.of(server)));
  }

  @Test
  void findsAPackageWithoutNullMarked() {
    Bundle bundle =
        new Bundle(
            "duality.a",
            Map.of(),
            Map.of(),
            false,
            Set.of(),
            Set.of(),
            List.of(),
            Set.of("duality.a.inner"));
    assertEquals(
        List.of("duality.a: duality.a.inner has no package-info.java with @NullMarked"),
        Rules.everyPackageIsNullMarked(List.of(bundle)));
  }

  @Test
  void findsACycleOfThree() {
    Bundle a = bundle("duality.a", Map.of("duality.a", "1.0.0"), Map.of("duality.b", "[1,2)"));
    Bundle b = bundle("duality.b", Map.of("duality.b", "1.0.0"), Map.of("duality.c", "[1,2)"));
    Bundle c = bundle("duality.c", Map.of("duality.c", "1.0.0"), Map.of("duality.a", "[1,2)"));
    assertEquals(
        List.of("a cycle: duality.a needs duality.b needs duality.c needs duality.a"),
        Rules.noCycles(List.of(a, b, c)));
    assertEquals(List.of(), Rules.noCycles(List.of(b, c)), "a chain is no cycle");
  }
}
