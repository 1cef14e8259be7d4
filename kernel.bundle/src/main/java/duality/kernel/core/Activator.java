package duality.kernel.core;

import duality.kernel.Observation;
import duality.kernel.Server;
import duality.kernel.processor.Engine;
import java.util.Dictionary;
import java.util.Hashtable;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.bundle.Header;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleActivator;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleEvent;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.ServiceFactory;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.ServiceRegistration;
import org.osgi.framework.SynchronousBundleListener;
import org.osgi.framework.hooks.bundle.CollisionHook;
import org.osgi.framework.hooks.bundle.EventHook;
import org.osgi.framework.hooks.resolver.ResolverHookFactory;
import org.osgi.framework.namespace.PackageNamespace;
import org.osgi.framework.wiring.BundleRevision;
import org.osgi.framework.wiring.BundleWiring;
import org.osgi.util.tracker.ServiceTracker;

/**
 * The core as a bundle: finds servers and engines, publishes shared endpoints, starts root.
 *
 * <p>Framework properties: {@code duality.processors} (default: those of the host), {@code
 * duality.memory} (size of the frame pool such as 4G; default 4 GiB, committed when touched),
 * {@code duality.patience} (by what limits of time are multiplied, default 1), {@code duality.root}
 * (name of the first server, default {@code root}).
 */
@Header(name = Constants.BUNDLE_ACTIVATOR, value = "${@class}")
public final class Activator implements BundleActivator {
  private static final String DEFAULT_MEMORY = "4G";

  private @Nullable Core core;
  private @Nullable ServiceTracker<Server, Server> servers;
  private @Nullable ServiceTracker<Engine, Engine> engines;

  @Override
  public void start(BundleContext context) {
    int processors =
        (int) number(context, "duality.processors", Runtime.getRuntime().availableProcessors(), 64);
    int patience = (int) number(context, "duality.patience", 1, 1000);
    Core started = Core.start(processors, memory(context), patience);
    core = started;
    started.publisher(Activator::publish);
    // First of all, so that no server's bundle stops or arrives unseen.
    context.registerService(
        EventHook.class, (event, contexts) -> bundleEvent(started, event), null);
    context.registerService(
        CollisionHook.class,
        (operation, target, same) ->
            same.removeIf(each -> serves(each) || target.getBundleId() == Versions.UPDATER),
        null);
    context.registerService(ResolverHookFactory.class, triggers -> new Versions(), null);
    // Before anything else of the framework stops, guests are halted and stores flushed.
    context.addBundleListener(
        (SynchronousBundleListener)
            event -> {
              if (event.getType() == BundleEvent.STOPPING && event.getBundle().getBundleId() == 0) {
                end();
              }
            });
    context.registerService(Observation.class, new ObservationView(started), null);
    engines =
        new ServiceTracker<>(context, Engine.class, null) {
          @Override
          public Engine addingService(ServiceReference<Engine> reference) {
            Engine engine = context.getService(reference);
            Bundle bundle = reference.getBundle();
            started
                .engines()
                .add(
                    new EngineTable.Entry(
                        text(reference, Engine.NAME),
                        engine,
                        bundle.getSymbolicName() + " " + bundle.getVersion(),
                        bundle.getVersion(),
                        bundle.getBundleId()));
            return engine;
          }

          @Override
          public void removedService(ServiceReference<Engine> reference, Engine engine) {
            started.engines().remove(engine);
            context.ungetService(reference);
          }
        };
    engines.open();
    String root = property(context, "duality.root", "root");
    servers =
        new ServiceTracker<>(context, Server.class, null) {
          @Override
          public Server addingService(ServiceReference<Server> reference) {
            Server server = context.getService(reference);
            String name = text(reference, Server.NAME);
            List<String> protocols = texts(reference, Server.PROTOCOL);
            Bundle bundle = reference.getBundle();
            started.register(
                new Registration(
                    name,
                    protocols,
                    server,
                    bundle.getSymbolicName() + " " + bundle.getVersion(),
                    bundle.getVersion(),
                    bundle.getBundleId(),
                    () -> loadClasses(started, bundle)));
            if (name.equals(root)) {
              boot(started, root, server, protocols.getFirst());
            }
            return server;
          }

          @Override
          public void removedService(ServiceReference<Server> reference, Server server) {
            started.unregister(text(reference, Server.NAME), server);
            context.ungetService(reference);
          }
        };
    servers.open();
  }

  /**
   * Sees a bundle's STOPPING before its components are touched, in whatever order bundles were
   * started: all that its servers serve comes to rest together. A listener would come too late.
   */
  private static void bundleEvent(Core core, BundleEvent event) {
    Bundle bundle = event.getBundle();
    switch (event.getType()) {
      case BundleEvent.STOPPING ->
          core.serverTable()
              .leaves(bundle.getBundleId(), bundle.getSymbolicName() + " " + bundle.getVersion());
      case BundleEvent.STOPPED -> core.serverTable().left(bundle.getBundleId());
      default -> {}
    }
  }

  /**
   * Whether a second bundle of the same name and version may stand beside it: it exports nothing,
   * so nobody could be wired to the wrong one.
   */
  private static boolean serves(Bundle bundle) {
    BundleRevision revision = bundle.adapt(BundleRevision.class);
    return revision != null
        && revision.getDeclaredCapabilities(PackageNamespace.PACKAGE_NAMESPACE).isEmpty();
  }

  private static void loadClasses(Core core, Bundle bundle) {
    BundleWiring wiring = bundle.adapt(BundleWiring.class);
    if (wiring == null) {
      return;
    }
    int options = BundleWiring.LISTRESOURCES_RECURSE | BundleWiring.LISTRESOURCES_LOCAL;
    for (String resource : wiring.listResources("/", "*.class", options)) {
      String name = resource.substring(0, resource.length() - ".class".length()).replace('/', '.');
      try {
        Class.forName(name, true, wiring.getClassLoader());
      } catch (ClassNotFoundException | LinkageError e) {
        core.trace(bundle.getSymbolicName() + ": " + name + " is not loaded: " + Gate.describe(e));
      }
    }
  }

  /** On a thread of its own: root waits for servers that this thread may still have to start. */
  private static void boot(Core core, String root, Server server, String protocol) {
    if (core.endpointMap().containsKey("root")) {
      return;
    }
    new HostThread(
            "boot",
            () -> {
              try {
                core.boot(root, server.getClass().getClassLoader().loadClass(protocol));
              } catch (ClassNotFoundException | RuntimeException e) {
                core.trace("root did not start: " + Gate.describe(e));
                System.getLogger("duality.kernel")
                    .log(System.Logger.Level.ERROR, "root did not start: " + Gate.describe(e));
              }
            })
        .start();
  }

  /**
   * Publishes a shared endpoint in the name of the bundle that has its protocol, which needs no
   * wire to the kernel; each client bundle gets a capability of its own, revoked when it lets go.
   */
  private static Runnable publish(EndpointObject endpoint, Class<?> type) {
    Bundle home = FrameworkUtil.getBundle(type);
    BundleContext context = home == null ? null : started(home);
    if (context == null) {
      return () -> {};
    }
    Dictionary<String, Object> properties = new Hashtable<>();
    properties.put("duality.endpoint", endpoint.path());
    ServiceRegistration<?> registration =
        context.registerService(type.getName(), new Clients(endpoint, type), properties);
    return () -> {
      try {
        registration.unregister();
      } catch (IllegalStateException e) {
        endpoint.core.trace(endpoint.path() + " was taken back with its bundle already");
      }
    };
  }

  /**
   * The context of a bundle, which is started when its turn has not come yet: root boots on a
   * thread of its own while the framework still starts bundles, and what is not published then is
   * never published.
   */
  private static @Nullable BundleContext started(Bundle home) {
    if (home.getBundleContext() == null) {
      try {
        home.start(Bundle.START_TRANSIENT);
      } catch (BundleException e) {
        System.getLogger("duality.kernel")
            .log(
                System.Logger.Level.ERROR,
                home.getSymbolicName() + " does not start, its endpoints stay unknown to others",
                e);
      }
    }
    return home.getBundleContext();
  }

  private record Clients(EndpointObject endpoint, Class<?> type) implements ServiceFactory<Object> {
    @Override
    public Object getService(Bundle client, ServiceRegistration<Object> registration) {
      return endpoint.core.capability(
          endpoint, type, new Ledger(String.valueOf(client.getSymbolicName())));
    }

    @Override
    public void ungetService(
        Bundle client, ServiceRegistration<Object> registration, Object service) {
      Core.stub(service).revokeWithOwner();
    }
  }

  @Override
  public void stop(BundleContext context) {
    end();
    if (servers != null) {
      servers.close();
    }
    if (engines != null) {
      engines.close();
    }
  }

  private synchronized void end() {
    Core ending = core;
    core = null;
    if (ending != null) {
      ending.close();
    }
  }

  private static String property(BundleContext context, String name, String otherwise) {
    String value = context.getProperty(name);
    return value == null || value.isBlank() ? otherwise : value.strip();
  }

  private static long number(BundleContext context, String name, long otherwise, long most) {
    String text = property(context, name, Long.toString(Math.min(otherwise, most)));
    try {
      long value = Long.parseLong(text);
      if (value >= 1 && value <= most) {
        return value;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new IllegalArgumentException(name + " is '" + text + "', not a number from 1 to " + most);
  }

  private static long memory(BundleContext context) {
    String text = property(context, "duality.memory", DEFAULT_MEMORY);
    Matcher matcher =
        Pattern.compile("(\\d{1,12})([KMGT]?)I?B?").matcher(text.toUpperCase(Locale.ROOT));
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "duality.memory is '" + text + "', not a size such as 512M or 4G");
    }
    int thousands = matcher.group(2).isEmpty() ? 0 : " KMGT".indexOf(matcher.group(2));
    return Long.parseLong(matcher.group(1)) << 10 * thousands;
  }

  private static String text(ServiceReference<?> reference, String key) {
    Object value = reference.getProperty(key);
    return value == null ? reference.getBundle().getSymbolicName() : value.toString();
  }

  private static List<String> texts(ServiceReference<?> reference, String key) {
    return switch (reference.getProperty(key)) {
      case String one -> List.of(one);
      case String[] several -> List.of(several);
      case null, default -> List.of("(none)");
    };
  }
}
