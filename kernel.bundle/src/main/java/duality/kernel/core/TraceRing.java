package duality.kernel.core;

import duality.kernel.TraceEvent;
import duality.kernel.TraceEvent.Kind;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The last events of the kernel; the oldest are forgotten. Who wants to hear of them asks and waits
 * here: the kernel calls nobody up, so a listener that hangs holds up nobody but itself.
 */
final class TraceRing {
  private static final int SIZE = 1024;

  private final @Nullable TraceEvent[] ring = new TraceEvent[SIZE];
  private long next;
  private String last = "";
  private long repeated;

  synchronized void add(Kind kind, String endpoint, String event) {
    if (repeated > 0) {
      put(Kind.NOTE, "", "(the last one " + repeated + " times more)");
      repeated = 0;
    }
    last = event;
    put(kind, endpoint, event);
    notifyAll();
  }

  private void put(Kind kind, String endpoint, String event) {
    ring[(int) (next % SIZE)] = new TraceEvent(next, Instant.now(), kind, endpoint, event);
    next++;
  }

  /** Adds an event that may come many times in a row: repetitions are only counted. */
  synchronized void addOnce(String event) {
    if (event.equals(last)) {
      repeated++;
    } else {
      add(Kind.NOTE, "", event);
    }
  }

  /**
   * The events from {@code number} on that are still there.
   *
   * @param waitMillis how long to wait for one when there is none yet
   */
  synchronized List<TraceEvent> from(long number, long waitMillis) {
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(waitMillis);
    while (next <= number) {
      long left = deadline - System.nanoTime();
      if (left <= 0) {
        return List.of();
      }
      try {
        TimeUnit.NANOSECONDS.timedWait(this, left);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return List.of();
      }
    }
    List<TraceEvent> events = new ArrayList<>();
    for (long i = Math.max(Math.max(0, number), next - SIZE); i < next; i++) {
      TraceEvent event = ring[(int) (i % SIZE)];
      if (event != null) {
        events.add(event);
      }
    }
    return events;
  }
}
