package duality.dial;

import duality.kernel.EndpointReport;
import duality.kernel.Observation;
import duality.kernel.Server;
import duality.servers.CostDial;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceEvent;
import org.osgi.framework.ServiceListener;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/** Registers servers in front of others, and knows what calls cost. */
@Component(service = CostDial.class, immediate = true)
public final class Dial implements CostDial {
  /** How long nobody looks whether a dial is still in use, after one was taken away. */
  private static final long LOOK_MILLIS = 200;

  private final BundleContext context;
  private final Observation kernel;
  private final Map<String, Price> prices = new ConcurrentSkipListMap<>();

  /** By the server behind; guarded by this. */
  private final Map<ServiceReference<?>, Front> fronts = new HashMap<>();

  private final ExecutorService threads =
      Executors.newCachedThreadPool(
          Thread.ofPlatform().daemon().name("duality dial ", 0).factory());

  private final ScheduledExecutorService looking =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("duality dial look ", 0).factory());

  /** A server that goes takes the one in front of it along. */
  private final ServiceListener leaving = this::left;

  /** A server in front of another, and how it was made known. */
  private record Front(String name, DialServer server, ServiceRegistration<Server> registration) {}

  /** With where servers are found, and who says which of them are in use. */
  @Activate
  public Dial(BundleContext context, @Reference Observation kernel) throws InvalidSyntaxException {
    this.context = context;
    this.kernel = kernel;
    context.addServiceListener(
        leaving, "(" + Constants.OBJECTCLASS + "=" + Server.class.getName() + ")");
  }

  @Deactivate
  void deactivate() {
    context.removeServiceListener(leaving);
    looking.shutdownNow();
    threads.shutdown();
  }

  private void left(ServiceEvent event) {
    if (event.getType() == ServiceEvent.UNREGISTERING) {
      take(event.getServiceReference());
    }
  }

  /** Makes a server in front of another unknown. */
  private void take(ServiceReference<?> behind) {
    Front front;
    synchronized (this) {
      front = fronts.remove(behind);
    }
    if (front != null) {
      front.registration().unregister();
      context.ungetService(behind);
    }
  }

  /**
   * An instance was taken away: if that was the last one, its server goes too. Not at once, because
   * within a swap or a repair the next one of the same server may follow.
   */
  private void closed(ServiceReference<?> behind) {
    try {
      looking.schedule(() -> look(behind), LOOK_MILLIS, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      // This component goes, and all that it has registered with it.
    }
  }

  private void look(ServiceReference<?> behind) {
    Front front;
    synchronized (this) {
      front = fronts.get(behind);
    }
    if (front != null && !front.server().isWanted() && !serves(front.name())) {
      take(behind);
    }
  }

  /** Whether an endpoint is bound to a server of that name, be it one that has failed. */
  private boolean serves(String name) {
    return kernel.endpoints().stream()
        .map(EndpointReport::server)
        .anyMatch(each -> each.equals(name) || each.startsWith(name + "#"));
  }

  @Override
  public synchronized String before(String server) {
    int exactly = server.indexOf('#');
    String name = exactly < 0 ? server : server.substring(0, exactly);
    ServiceReference<Server> found = null;
    try {
      for (ServiceReference<Server> each : context.getServiceReferences(Server.class, null)) {
        boolean meant =
            name.equals(each.getProperty(Server.NAME))
                && (exactly < 0
                    || server
                        .substring(exactly + 1)
                        .equals(Long.toString(each.getBundle().getBundleId())));
        if (meant && (found == null || newer(each, found))) {
          found = each;
        }
      }
    } catch (InvalidSyntaxException e) {
      throw new IllegalStateException(e);
    }
    if (found == null) {
      throw new IllegalArgumentException("there is no server '" + server + "'");
    }
    String front = server.replace('#', '-') + SUFFIX;
    Front there = fronts.get(found);
    if (there != null) {
      there.server().want();
    } else {
      Server behind = context.getService(found);
      if (behind == null) {
        throw new IllegalArgumentException("server '" + server + "' has just gone");
      }
      Map<String, Object> properties =
          Map.of(Server.NAME, front, Server.PROTOCOL, found.getProperty(Server.PROTOCOL));
      ServiceReference<Server> wanted = found;
      DialServer before = new DialServer(behind, this::price, threads, () -> closed(wanted));
      fronts.put(
          found,
          new Front(
              front,
              before,
              context.registerService(
                  Server.class, before, FrameworkUtil.asDictionary(properties))));
    }
    return front;
  }

  /** As the kernel chooses: the highest version, then the newest bundle. */
  private static boolean newer(ServiceReference<?> one, ServiceReference<?> other) {
    int versions = one.getBundle().getVersion().compareTo(other.getBundle().getVersion());
    return versions > 0
        || (versions == 0 && one.getBundle().getBundleId() > other.getBundle().getBundleId());
  }

  private Price price(String endpoint) {
    return prices.computeIfAbsent(endpoint, any -> new Price());
  }

  @Override
  public void set(String endpoint, long nanos, boolean handOff) {
    if (nanos < 0 || nanos > MOST_NANOS) {
      throw new IllegalArgumentException(
          "a call can cost 0 to " + MOST_NANOS + " ns more, not " + nanos);
    }
    Price price = price(endpoint);
    price.nanos = nanos;
    price.handOff = handOff;
  }

  @Override
  public List<Setting> settings() {
    return prices.entrySet().stream()
        .map(
            each -> {
              Price price = each.getValue();
              return new Setting(each.getKey(), price.nanos, price.handOff, price.calls.sum());
            })
        .toList();
  }
}
