package duality.weaver;

import duality.kernel.AbortPoll;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.WeakHashMap;
import org.osgi.framework.Bundle;
import org.osgi.framework.hooks.weaving.WeavingHook;
import org.osgi.framework.hooks.weaving.WovenClass;
import org.osgi.framework.wiring.BundleCapability;
import org.osgi.framework.wiring.BundleRevision;

/**
 * Weaves the classes of bundles that provide servers, and of others that ask for it.
 *
 * <p>Whether a bundle is one is read from what it declares: the capability {@code osgi.service}
 * with {@code duality.kernel.Server} among its classes, as bnd writes it for the component. A
 * bundle with an engine is never woven, because the engine's loop counts a budget. The manifest
 * header {@code Duality-Weave} with {@code on} or {@code off} says otherwise.
 *
 * <p><em>Concurrency:</em> class loading calls it on any thread, for several classes at once.
 */
final class ServerWeaving implements WeavingHook {
  static final String HEADER = "Duality-Weave";
  private static final String API = "duality.kernel";
  private static final String SERVER = "duality.kernel.Server";
  private static final String ENGINE = "duality.kernel.processor.Engine";

  /** By revision, because an update may change what is declared. */
  private final Map<BundleRevision, Boolean> decided =
      Collections.synchronizedMap(new WeakHashMap<>());

  @Override
  public void weave(WovenClass loading) {
    BundleRevision revision = loading.getBundleWiring().getRevision();
    Boolean known = decided.get(revision);
    if (known == null) {
      known = concerns(revision);
      decided.put(revision, known);
    }
    if (!known) {
      return;
    }
    try {
      byte[] woven = PollWeaver.weave(loading.getBytes());
      if (woven != null) {
        loading.setBytes(woven);
        importPoll(revision, loading.getDynamicImports());
      }
    } catch (RuntimeException | Error e) {
      // A class that cannot be woven still has to load: it is only not contained as well.
      AbortPoll.trace(
          revision.getSymbolicName() + ": " + loading.getClassName() + " has no abort polls: " + e);
    }
  }

  /** Whether the classes of this bundle get polls. */
  static boolean concerns(BundleRevision revision) {
    Bundle bundle = revision.getBundle();
    String wanted = bundle.getHeaders("").get(HEADER);
    if (wanted != null) {
      return switch (wanted.strip().toLowerCase(Locale.ROOT)) {
        case "on" -> true;
        case "off" -> false;
        default -> {
          AbortPoll.trace(
              revision.getSymbolicName() + ": " + HEADER + " is on or off, not '" + wanted + "'");
          yield provides(revision, SERVER);
        }
      };
    }
    return provides(revision, SERVER) && !provides(revision, ENGINE);
  }

  private static boolean provides(BundleRevision revision, String service) {
    for (BundleCapability each : revision.getDeclaredCapabilities("osgi.service")) {
      Object classes = each.getAttributes().get("objectClass");
      if (service.equals(classes) || (classes instanceof Collection<?> c && c.contains(service))) {
        return true;
      }
    }
    return false;
  }

  /** Servers import the package of the poll anyway; a library that is woven may not. */
  private static void importPoll(BundleRevision revision, List<String> dynamicImports) {
    boolean imported =
        revision.getDeclaredRequirements(BundleRevision.PACKAGE_NAMESPACE).stream()
            .anyMatch(
                each ->
                    each.getDirectives()
                        .getOrDefault("filter", "")
                        .contains("(" + BundleRevision.PACKAGE_NAMESPACE + "=" + API + ")"));
    if (!imported && !dynamicImports.contains(API)) {
      dynamicImports.add(API);
    }
  }
}
