package duality.drivers;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/**
 * The counters of a driver bundle for {@link DriverWork}: one tally for each endpoint that it ever
 * served, of the last 4,096 ones.
 *
 * <p><em>Concurrency:</em> any thread; counting never waits.
 */
public final class WorkTallies {
  private static final int MOST = 4_096;

  /** Guarded by this. */
  private final Map<String, Tally> tallies =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Tally> eldest) {
          return size() > MOST;
        }
      };

  /** Counts for one endpoint. */
  public static final class Tally {
    private final LongAdder descriptors = new LongAdder();
    private final LongAdder copies = new LongAdder();
    private final LongAdder readBytes = new LongAdder();
    private final LongAdder writtenBytes = new LongAdder();
    private final LongAdder notifications = new LongAdder();

    private Tally() {}

    /** So many descriptors of requests were taken. */
    public void descriptors(long count) {
      descriptors.add(count);
    }

    /** Data was moved towards the client. */
    public void read(long bytes) {
      copies.increment();
      readBytes.add(bytes);
    }

    /** Data was moved from the client. */
    public void written(long bytes) {
      copies.increment();
      writtenBytes.add(bytes);
    }

    /** A notification was taken or given. */
    public void notified() {
      notifications.increment();
    }
  }

  /** The tally of an endpoint: the same one for each instance. */
  public synchronized Tally of(String endpoint) {
    return tallies.computeIfAbsent(endpoint, path -> new Tally());
  }

  /** What was counted so far. */
  public synchronized List<DriverWork.Work> work() {
    return tallies.entrySet().stream().map(each -> work(each.getKey(), each.getValue())).toList();
  }

  private static DriverWork.Work work(String endpoint, Tally tally) {
    return new DriverWork.Work(
        endpoint,
        tally.descriptors.sum(),
        tally.copies.sum(),
        tally.readBytes.sum(),
        tally.writtenBytes.sum(),
        tally.notifications.sum());
  }
}
