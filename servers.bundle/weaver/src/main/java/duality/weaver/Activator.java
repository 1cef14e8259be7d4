package duality.weaver;

import java.util.Locale;
import org.osgi.annotation.bundle.Header;
import org.osgi.framework.BundleActivator;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.hooks.weaving.WeavingHook;

/**
 * Weaves from its start level on, which is before the one of servers.
 *
 * <p>Framework property {@code duality.weave}: {@code on} (the default) or {@code off}. An
 * activator and no component, because a class is being loaded when the hook is needed.
 */
@Header(name = Constants.BUNDLE_ACTIVATOR, value = "${@class}")
public final class Activator implements BundleActivator {
  /** For the framework. */
  public Activator() {}

  @Override
  public void start(BundleContext context) {
    String wanted = context.getProperty("duality.weave");
    switch (wanted == null ? "on" : wanted.strip().toLowerCase(Locale.ROOT)) {
      case "on" -> context.registerService(WeavingHook.class, new ServerWeaving(), null);
      case "off" -> {}
      default ->
          throw new IllegalArgumentException("duality.weave is on or off, not '" + wanted + "'");
    }
  }

  @Override
  public void stop(BundleContext context) {
    // The framework takes the hook back; classes that are loaded keep their polls.
  }
}
