package duality.dial;

import duality.kernel.Server;
import duality.servers.CostDial;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
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

/** Registers servers in front of others, and knows what calls cost. */
@Component(service = CostDial.class, immediate = true)
public final class Dial implements CostDial {
  private final BundleContext context;
  private final Map<String, Price> prices = new ConcurrentSkipListMap<>();
  private final Map<ServiceReference<?>, ServiceRegistration<Server>> registered =
      new ConcurrentHashMap<>();
  private final ExecutorService threads =
      Executors.newCachedThreadPool(
          Thread.ofPlatform().daemon().name("duality dial ", 0).factory());

  /** A server that goes takes the one in front of it along. */
  private final ServiceListener leaving = this::left;

  /** With where servers are found. */
  @Activate
  public Dial(BundleContext context) throws InvalidSyntaxException {
    this.context = context;
    context.addServiceListener(
        leaving, "(" + Constants.OBJECTCLASS + "=" + Server.class.getName() + ")");
  }

  @Deactivate
  void deactivate() {
    context.removeServiceListener(leaving);
    threads.shutdown();
  }

  private void left(ServiceEvent event) {
    if (event.getType() == ServiceEvent.UNREGISTERING) {
      ServiceRegistration<Server> before = registered.remove(event.getServiceReference());
      if (before != null) {
        before.unregister();
      }
    }
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
    if (!registered.containsKey(found)) {
      Server behind = context.getService(found);
      if (behind == null) {
        throw new IllegalArgumentException("server '" + server + "' has just gone");
      }
      Map<String, Object> properties =
          Map.of(Server.NAME, front, Server.PROTOCOL, found.getProperty(Server.PROTOCOL));
      registered.put(
          found,
          context.registerService(
              Server.class,
              new DialServer(behind, this::price, threads),
              FrameworkUtil.asDictionary(properties)));
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
