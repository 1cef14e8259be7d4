package duality.shell.kernel;

import duality.shell.text.Near;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.Version;
import org.osgi.framework.VersionRange;
import org.osgi.framework.namespace.PackageNamespace;
import org.osgi.framework.wiring.BundleCapability;
import org.osgi.framework.wiring.BundleRequirement;
import org.osgi.framework.wiring.BundleRevision;
import org.osgi.framework.wiring.BundleWiring;

/** Says in words which needs of a bundle nobody meets. */
final class Unresolved {
  private final BundleContext context;

  Unresolved(BundleContext context) {
    this.context = context;
  }

  /** One sentence for each need that is not met. */
  String explain(Bundle bundle) {
    Map<String, Collection<Version>> exported = exported();
    List<String> reasons = new ArrayList<>();
    BundleRevision revision = bundle.adapt(BundleRevision.class);
    List<BundleRequirement> needs =
        revision == null ? List.of() : revision.getDeclaredRequirements(null);
    for (BundleRequirement need : needs) {
      if ("optional".equals(need.getDirectives().get(Constants.RESOLUTION_DIRECTIVE))
          || "active".equals(need.getDirectives().get("effective"))) {
        continue;
      }
      if (need.getNamespace().equals(PackageNamespace.PACKAGE_NAMESPACE)) {
        missingPackage(bundle, need, exported, reasons);
      } else if (met(need)) {
        continue;
      } else if (need.getNamespace().equals("osgi.ee")) {
        reasons.add(
            "it is compiled for another Java ("
                + need.getDirectives().get("filter")
                + "); this is Java "
                + Runtime.version().feature());
      } else if (!need.getNamespace().startsWith("osgi.wiring.")) {
        reasons.add("it needs " + need.getNamespace() + " " + need.getDirectives().get("filter"));
      }
    }
    return bundle.getSymbolicName()
        + " does not resolve: "
        + (reasons.isEmpty()
            ? "felix:inspect req * " + bundle.getBundleId() + " shows what it needs"
            : String.join("\n  ", reasons));
  }

  private static void missingPackage(
      Bundle bundle,
      BundleRequirement need,
      Map<String, Collection<Version>> exported,
      List<String> reasons) {
    // Felix keeps name and range in the filter only; the header has them plainly.
    String filter = String.valueOf(need.getDirectives().get("filter"));
    String name =
        filter.replaceFirst(".*\\(" + PackageNamespace.PACKAGE_NAMESPACE + "=([^)]*)\\).*", "$1");
    Collection<Version> versions = exported.get(name);
    if (versions == null) {
      String hint = Near.hint(name, exported.keySet());
      reasons.add(
          "it imports the package "
              + name
              + ", which no bundle exports"
              + (hint.isEmpty()
                  ? "; use what is exported, or install the bundle that exports it first"
                  : hint));
      return;
    }
    VersionRange range = range(bundle, name);
    if (versions.stream().noneMatch(range::includes)) {
      reasons.add(
          "it imports the package "
              + name
              + " in "
              + range
              + ", and here it is "
              + String.join(", ", versions.stream().map(Version::toString).toList())
              + "; build it against this system");
    }
  }

  /** The version range of an import, from the manifest. */
  private static VersionRange range(Bundle bundle, String name) {
    String imports = bundle.getHeaders("").get(Constants.IMPORT_PACKAGE);
    if (imports != null) {
      // A comma inside quotes divides a range, not two imports.
      for (String clause : imports.split(",(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", -1)) {
        List<String> parts = Arrays.stream(clause.split(";", -1)).map(String::strip).toList();
        if (parts.contains(name)) {
          for (String part : parts) {
            if (part.startsWith("version=")) {
              return VersionRange.valueOf(part.substring("version=".length()).replace("\"", ""));
            }
          }
        }
      }
    }
    return VersionRange.valueOf("0");
  }

  private Map<String, Collection<Version>> exported() {
    Map<String, Collection<Version>> exported = new TreeMap<>();
    for (Bundle each : context.getBundles()) {
      BundleWiring wiring = each.adapt(BundleWiring.class);
      if (wiring == null) {
        continue;
      }
      for (BundleCapability capability :
          wiring.getCapabilities(PackageNamespace.PACKAGE_NAMESPACE)) {
        Map<String, Object> attributes = capability.getAttributes();
        String name = String.valueOf(attributes.get(PackageNamespace.PACKAGE_NAMESPACE));
        exported
            .computeIfAbsent(name, key -> new TreeSet<>())
            .add(
                attributes.get(Constants.VERSION_ATTRIBUTE) instanceof Version version
                    ? version
                    : Version.emptyVersion);
      }
    }
    return exported;
  }

  private boolean met(BundleRequirement need) {
    for (Bundle each : context.getBundles()) {
      BundleWiring wiring = each.adapt(BundleWiring.class);
      if (wiring != null
          && wiring.getCapabilities(need.getNamespace()).stream().anyMatch(need::matches)) {
        return true;
      }
    }
    return false;
  }
}
