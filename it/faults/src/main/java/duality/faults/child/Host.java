package duality.faults.child;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.stream.Stream;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;
import org.osgi.framework.startlevel.BundleStartLevel;
import org.osgi.framework.startlevel.FrameworkStartLevel;

/** Starts a framework with all bundles of a folder, at the start levels of the delivered system. */
public final class Host {
  private static final int LEVELS = 5;

  private Host() {}

  /** Arguments: the folder of bundles, the folder for the framework's cache. */
  public static void main(String[] arguments) throws Exception {
    Map<String, String> config = new HashMap<>();
    config.put(Constants.FRAMEWORK_STORAGE, arguments[1]);
    config.put(Constants.FRAMEWORK_STORAGE_CLEAN, Constants.FRAMEWORK_STORAGE_CLEAN_ONFIRSTINIT);
    config.put(Constants.FRAMEWORK_BEGINNING_STARTLEVEL, "1");
    Framework framework =
        ServiceLoader.load(FrameworkFactory.class)
            .findFirst()
            .orElseThrow(() -> new IllegalStateException("no framework on the class path"))
            .newFramework(config);
    framework.init();
    List<Bundle> bundles = new ArrayList<>();
    try (Stream<Path> jars = Files.list(Path.of(arguments[0]))) {
      for (Path jar : jars.filter(each -> each.toString().endsWith(".jar")).sorted().toList()) {
        try (var in = Files.newInputStream(jar)) {
          Bundle bundle = framework.getBundleContext().installBundle(jar.toString(), in);
          bundle.adapt(BundleStartLevel.class).setStartLevel(level(bundle.getSymbolicName()));
          bundles.add(bundle);
        }
      }
    }
    framework.start();
    for (Bundle bundle : bundles) {
      if (bundle.getHeaders("").get(Constants.FRAGMENT_HOST) == null) {
        try {
          bundle.start();
        } catch (BundleException e) {
          System.err.println(bundle.getSymbolicName() + " does not start: " + e.getMessage());
        }
      }
    }
    framework.adapt(FrameworkStartLevel.class).setStartLevel(LEVELS);
    framework.waitForStop(0);
    System.exit(0);
  }

  private static int level(String name) {
    return switch (name) {
      case "duality.kernel", "duality.weaver" -> 2;
      case "duality.faults" -> 4;
      default -> name.startsWith("duality.") ? 3 : 1;
    };
  }
}
