package duality.shell.charge;

import duality.drivers.DriverWork;
import duality.drivers.DriverWork.Work;
import duality.drivers.MacAddress;
import duality.kernel.Server;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.osgi.framework.BundleContext;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;

/**
 * What drivers had counted at a moment, and what processor time their host threads had taken by
 * then, by endpoint. The time is the host's own account of each thread and knows nothing of counts.
 *
 * <p>A driver's threads are the workers of its endpoint ({@code duality worker PATH:NAME}) and
 * those of a store ({@code PATH:NAME}). What a network does for a card it does on the thread of the
 * card's device, so it counts as that one's work. What other drivers do on their callers' threads
 * is listed apart: the time of the guest, or of the device before it, has it already.
 *
 * @param work counts by endpoint
 * @param threads processor time by number of the host thread
 * @param endpoints of the driver threads, by the same number
 */
public record DriverLook(
    Map<String, Counted> work, Map<Long, Long> threads, Map<Long, String> endpoints) {
  private static final String WORKER = "duality worker ";
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
  private static final String CARD = "/net";
  private static final int MOST_CARDS = 4;

  /**
   * Counts of a driver.
   *
   * @param driver name of its server
   * @param onCaller whether it has no thread of its own
   */
  public record Counted(String driver, boolean onCaller, Work work) {
    Counted plus(Counted other) {
      return new Counted(driver, onCaller, work.plus(other.work));
    }
  }

  /** Looks now, at all drivers that count. */
  public static DriverLook now(BundleContext context) {
    try {
      Collection<ServiceReference<DriverWork>> found =
          context.getServiceReferences(DriverWork.class, null);
      List<Counted> all = new ArrayList<>();
      for (ServiceReference<DriverWork> each : found) {
        DriverWork driver = context.getService(each);
        if (driver != null) {
          Object name = each.getProperty(Server.NAME);
          String known = name == null ? each.getBundle().getSymbolicName() : name.toString();
          boolean onCaller = Boolean.TRUE.equals(each.getProperty(DriverWork.ON_CALLER));
          driver.work().forEach(work -> all.add(new Counted(known, onCaller, work)));
        }
      }
      return of(all, hostThreads());
    } catch (InvalidSyntaxException e) {
      throw new IllegalStateException(e); // there is no filter
    }
  }

  /** Without OSGi: of these counts and threads. */
  static DriverLook of(Collection<Counted> all, Collection<Thread> hosts) {
    Map<String, Counted> work = new TreeMap<>();
    all.stream()
        .filter(each -> !isOfCard(each))
        .forEach(each -> work.merge(each.work().endpoint(), each, Counted::plus));
    Map<String, String> cards = cards(work.keySet());
    for (Counted each : all) {
      if (isOfCard(each)) {
        String endpoint = each.work().endpoint();
        String card = cards.get(endpoint.substring(endpoint.indexOf(':') + 1));
        work.merge(card == null ? endpoint : card, each, Counted::plus);
      }
    }
    Map<Long, Long> threads = new HashMap<>();
    Map<Long, String> endpoints = new HashMap<>();
    for (Thread each : hosts) {
      long nanos = THREADS.getThreadCpuTime(each.threadId());
      if (nanos >= 0) {
        threads.put(each.threadId(), nanos);
        String endpoint = endpoint(each.getName());
        if (work.containsKey(endpoint)) {
          endpoints.put(each.threadId(), endpoint);
        }
      }
    }
    return new DriverLook(work, threads, endpoints);
  }

  /** Whether it is what a network did for a card: its endpoint has the card's address behind it. */
  private static boolean isOfCard(Counted counted) {
    return counted.work().endpoint().indexOf(':') >= 0;
  }

  /** Addresses of the machines' cards, which follow from their names, to the cards' endpoints. */
  private static Map<String, String> cards(Collection<String> endpoints) {
    Map<String, String> cards = new HashMap<>();
    for (String each : endpoints) {
      String client = client(each);
      String machine = client.substring(client.lastIndexOf('/') + 1);
      for (int i = 0; i < MOST_CARDS; i++) {
        if (each.equals(client + CARD + i)) {
          cards.put(MacAddress.text(MacAddress.of(machine, i)), each);
        }
      }
    }
    return cards;
  }

  /** The endpoint that a host thread works for, by its name; empty when it has no such name. */
  static String endpoint(String thread) {
    String path = thread.startsWith(WORKER) ? thread.substring(WORKER.length()) : thread;
    int colon = path.lastIndexOf(':');
    return colon < 0 ? "" : path.substring(0, colon);
  }

  private static List<Thread> hostThreads() {
    ThreadGroup group = Thread.currentThread().getThreadGroup();
    while (group.getParent() != null) {
      group = group.getParent();
    }
    Thread[] all = new Thread[group.activeCount() + 64];
    int count = group.enumerate(all);
    while (count == all.length) { // there may be more
      all = new Thread[2 * all.length];
      count = group.enumerate(all);
    }
    return List.of(Arrays.copyOf(all, count));
  }

  /**
   * What a driver did at an endpoint between two looks.
   *
   * @param client the guest or task to which the endpoint belongs
   * @param driver name of its server
   * @param onCaller whether that was done on its callers' threads
   * @param measuredNanos processor time of its own threads that are still there
   */
  public record Part(
      String client, String driver, boolean onCaller, Work work, long measuredNanos) {}

  /** What was done since an earlier look, by endpoint. */
  public List<Part> since(DriverLook before) {
    Map<String, Long> nanos = new HashMap<>();
    endpoints.forEach(
        (thread, endpoint) -> {
          long spent = threads.getOrDefault(thread, 0L) - before.threads.getOrDefault(thread, 0L);
          nanos.merge(endpoint, spent, Long::sum);
        });
    List<Part> parts = new ArrayList<>();
    work.forEach(
        (endpoint, now) -> {
          Counted then = before.work.get(endpoint);
          parts.add(
              new Part(
                  client(endpoint),
                  now.driver(),
                  now.onCaller(),
                  then == null ? now.work() : now.work().since(then.work()),
                  nanos.getOrDefault(endpoint, 0L)));
        });
    return parts;
  }

  /** {@code vm/a} of {@code vm/a/blk0}. */
  static String client(String endpoint) {
    int first = endpoint.indexOf('/');
    int second = first < 0 ? -1 : endpoint.indexOf('/', first + 1);
    return second < 0 ? endpoint : endpoint.substring(0, second);
  }
}
