package duality.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.FrameworkUtil;

/** The system as it is delivered starts whole. */
class SystemIT {

  @Test
  void everyBundleIsActive() {
    List<String> inactive =
        bundles()
            .filter(bundle -> bundle.getHeaders("").get(Constants.FRAGMENT_HOST) == null)
            .filter(bundle -> bundle.getState() != Bundle.ACTIVE)
            .map(bundle -> bundle.getSymbolicName() + " in state " + bundle.getState())
            .toList();
    assertEquals(List.of(), inactive, "bundles that did not start");
  }

  @Test
  void theSystemIsMadeOfOurBundles() {
    long ours = bundles().filter(bundle -> bundle.getSymbolicName().startsWith("duality.")).count();
    assertTrue(ours > 25, "only " + ours + " bundles of Duality are installed");
  }

  @Test
  void theFrameworkIsFelixOnJava25() {
    assertEquals("Apache Software Foundation", context().getProperty(Constants.FRAMEWORK_VENDOR));
    assertEquals(25, Runtime.version().feature(), "the in-container tests run on the toolchain");
  }

  private static Stream<Bundle> bundles() {
    return Arrays.stream(context().getBundles());
  }

  private static BundleContext context() {
    Bundle own = FrameworkUtil.getBundle(SystemIT.class);
    assertTrue(own != null, "this test runs outside of a framework");
    return own.getBundleContext();
  }
}
