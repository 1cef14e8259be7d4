package duality.arch;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The rules of the architecture. Each returns one readable line per violation, and an empty list
 * when it is kept.
 */
final class Rules {

  /** The bundles that may export packages: the core and the API bundles. */
  static final Set<String> API_BUNDLES =
      Set.of(
          "duality.kernel",
          "duality.servers",
          "duality.drivers",
          "duality.drivers.virtio",
          "duality.vmm",
          "duality.vmm.board",
          "duality.guests");

  private static final String SERVER = "duality.kernel.Server";

  private Rules() {}

  /** The kernel stands on {@code java.*} and {@code org.osgi.*} alone. */
  static List<String> kernelStandsAlone(Bundle kernel) {
    var violations = new ArrayList<String>();
    var named = new TreeSet<>(kernel.imports().keySet());
    named.addAll(kernel.uses());
    for (String name : named) {
      if (!name.startsWith("java.")
          && !name.startsWith("org.osgi.")
          && !kernel.packages().contains(name)) {
        violations.add(kernel.name() + " uses " + name);
      }
    }
    return violations;
  }

  /**
   * What a bundle uses of ours it contains or imports, and what it imports of ours one other bundle
   * exports.
   */
  static List<String> onlyExportedPackagesAreUsed(List<Bundle> bundles) {
    var violations = new ArrayList<String>();
    Map<String, Bundle> exporters = exporters(bundles);
    for (Bundle bundle : bundles) {
      if (bundle.dynamic()) {
        violations.add(bundle.name() + " uses DynamicImport-Package or Require-Bundle");
      }
      for (String name : bundle.uses()) {
        if (ours(name)
            && !bundle.packages().contains(name)
            && !bundle.imports().containsKey(name)) {
          violations.add(bundle.name() + " uses " + name + " without importing it");
        }
      }
      for (String name : bundle.imports().keySet()) {
        if (ours(name) && !exporters.containsKey(name)) {
          violations.add(bundle.name() + " imports " + name + ", which nobody exports");
        }
      }
    }
    return violations;
  }

  /** No package is in two bundles. */
  static List<String> noPackageIsSplit(List<Bundle> bundles) {
    var violations = new ArrayList<String>();
    var seen = new HashMap<String, String>();
    for (Bundle bundle : bundles) {
      for (String name : bundle.packages()) {
        String other = seen.put(name, bundle.name());
        if (other != null) {
          violations.add(name + " is in " + other + " and in " + bundle.name());
        }
      }
    }
    return violations;
  }

  /** Every export has a version, every import of ours a version range. */
  static List<String> everythingIsVersioned(List<Bundle> bundles) {
    var violations = new ArrayList<String>();
    for (Bundle bundle : bundles) {
      bundle
          .exports()
          .forEach(
              (name, version) -> {
                if (version.isEmpty() || version.equals("0.0.0")) {
                  violations.add(bundle.name() + " exports " + name + " without a version");
                }
              });
      bundle
          .imports()
          .forEach(
              (name, range) -> {
                if (ours(name) && range.isEmpty()) {
                  violations.add(bundle.name() + " imports " + name + " without a version range");
                }
              });
    }
    return violations;
  }

  /** Only the core and API bundles export packages. */
  static List<String> onlyApiBundlesExport(List<Bundle> bundles) {
    var violations = new ArrayList<String>();
    for (Bundle bundle : bundles) {
      if (!API_BUNDLES.contains(bundle.name()) && !bundle.exports().isEmpty()) {
        violations.add(bundle.name() + " exports " + bundle.exports().keySet());
      }
    }
    return violations;
  }

  /**
   * A server component is registered as a server and as nothing else, so that no reference goes
   * round the kernel.
   */
  static List<String> serversAreReachedThroughTheKernel(List<Bundle> bundles) {
    var violations = new ArrayList<String>();
    for (Bundle bundle : bundles) {
      for (Set<String> interfaces : bundle.provides()) {
        if (interfaces.contains(SERVER) && interfaces.size() > 1) {
          violations.add(bundle.name() + " registers one component as " + interfaces);
        }
      }
    }
    return violations;
  }

  /** Every package says that its references are not null unless marked. */
  static List<String> everyPackageIsNullMarked(List<Bundle> bundles) {
    var violations = new ArrayList<String>();
    for (Bundle bundle : bundles) {
      for (String name : bundle.unmarked()) {
        violations.add(bundle.name() + ": " + name + " has no package-info.java with @NullMarked");
      }
    }
    return violations;
  }

  /** No bundle needs, by however many steps, itself. */
  static List<String> noCycles(List<Bundle> bundles) {
    Map<String, Bundle> exporters = exporters(bundles);
    var needs = new HashMap<String, Set<String>>();
    for (Bundle bundle : bundles) {
      Set<String> needed = new LinkedHashSet<>();
      for (String name : bundle.imports().keySet()) {
        Bundle exporter = exporters.get(name);
        if (exporter != null && exporter != bundle) {
          needed.add(exporter.name());
        }
      }
      needs.put(bundle.name(), needed);
    }
    var violations = new ArrayList<String>();
    var done = new HashSet<String>();
    for (Bundle bundle : bundles) {
      follow(bundle.name(), needs, new ArrayDeque<>(), done, violations);
    }
    return violations;
  }

  private static void follow(
      String name,
      Map<String, Set<String>> needs,
      Deque<String> path,
      Set<String> done,
      List<String> violations) {
    if (path.contains(name)) {
      violations.add("a cycle: " + String.join(" needs ", path) + " needs " + name);
      return;
    }
    if (done.contains(name)) {
      return;
    }
    path.addLast(name);
    for (String next : needs.getOrDefault(name, Set.of())) {
      follow(next, needs, path, done, violations);
    }
    path.removeLast();
    done.add(name);
  }

  private static Map<String, Bundle> exporters(List<Bundle> bundles) {
    var exporters = new HashMap<String, Bundle>();
    for (Bundle bundle : bundles) {
      bundle.exports().keySet().forEach(name -> exporters.put(name, bundle));
    }
    return exporters;
  }

  private static boolean ours(String name) {
    return name.equals("duality") || name.startsWith("duality.");
  }
}
