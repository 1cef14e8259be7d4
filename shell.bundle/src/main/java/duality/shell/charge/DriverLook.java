package duality.shell.charge;

import duality.drivers.DriverWork;
import duality.drivers.DriverWork.Work;
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
 * those of a store ({@code PATH:NAME}). What a driver does on its caller's thread is not in it: the
 * host charges that to the caller already.
 *
 * @param work counts by endpoint
 * @param threads processor time by number of the host thread
 * @param endpoints of the driver threads, by the same number
 */
public record DriverLook(
    Map<String, Work> work, Map<Long, Long> threads, Map<Long, String> endpoints) {
  private static final String WORKER = "duality worker ";
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  /** Looks now, at all drivers that count. */
  public static DriverLook now(BundleContext context) {
    try {
      Collection<ServiceReference<DriverWork>> found =
          context.getServiceReferences(DriverWork.class, null);
      List<Work> all = new ArrayList<>();
      for (ServiceReference<DriverWork> each : found) {
        DriverWork driver = context.getService(each);
        if (driver != null) {
          all.addAll(driver.work());
        }
      }
      return of(all, hostThreads());
    } catch (InvalidSyntaxException e) {
      throw new IllegalStateException(e); // there is no filter
    }
  }

  /** Without OSGi: of these counts and threads. */
  static DriverLook of(Collection<Work> all, Collection<Thread> hosts) {
    Map<String, Work> work = new TreeMap<>();
    all.forEach(each -> work.merge(each.endpoint(), each, Work::plus));
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
   * What was done for a client between two looks.
   *
   * @param client the guest or task
   * @param work of drivers that have threads of their own
   * @param onCaller work of those that have none, such as a console's
   * @param measuredNanos processor time of the threads
   */
  public record Part(String client, Work work, Work onCaller, long measuredNanos) {}

  /**
   * What was done since an earlier look, by client: the guest or task to which an endpoint belongs.
   */
  public List<Part> since(DriverLook before) {
    Map<String, Work> works = new TreeMap<>();
    Map<String, Work> others = new HashMap<>();
    Map<String, Long> nanos = new HashMap<>();
    work.forEach(
        (endpoint, now) -> {
          Work then = before.work.get(endpoint);
          Work done = then == null ? now : now.since(then);
          String client = client(endpoint);
          Work named =
              new Work(
                  client,
                  done.descriptors(),
                  done.copies(),
                  done.readBytes(),
                  done.writtenBytes(),
                  done.notifications());
          Work none = new Work(client, 0, 0, 0, 0, 0);
          boolean own = endpoints.containsValue(endpoint);
          works.merge(client, own ? named : none, Work::plus);
          others.merge(client, own ? none : named, Work::plus);
        });
    endpoints.forEach(
        (thread, endpoint) -> {
          long spent = threads.getOrDefault(thread, 0L) - before.threads.getOrDefault(thread, 0L);
          nanos.merge(client(endpoint), spent, Long::sum);
        });
    List<Part> parts = new ArrayList<>();
    works.forEach(
        (client, done) ->
            parts.add(
                new Part(
                    client,
                    done,
                    others.getOrDefault(client, done),
                    nanos.getOrDefault(client, 0L))));
    return parts;
  }

  /** {@code vm/a} of {@code vm/a/blk0}. */
  static String client(String endpoint) {
    int first = endpoint.indexOf('/');
    int second = first < 0 ? -1 : endpoint.indexOf('/', first + 1);
    return second < 0 ? endpoint : endpoint.substring(0, second);
  }
}
