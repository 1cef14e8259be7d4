package duality.kernel.core;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The last events of the kernel; the oldest are forgotten. */
final class TraceRing {
  private static final int SIZE = 1024;

  private final @Nullable String[] ring = new String[SIZE];
  private long next;
  private String last = "";
  private long repeated;

  synchronized void add(String event) {
    if (repeated > 0) {
      ring[(int) (next++ % SIZE)] = Instant.now() + "  (the last one " + repeated + " times more)";
      repeated = 0;
    }
    last = event;
    ring[(int) (next++ % SIZE)] = Instant.now() + "  " + event;
  }

  /** Adds an event that may come many times in a row: repetitions are only counted. */
  synchronized void addOnce(String event) {
    if (event.equals(last)) {
      repeated++;
    } else {
      add(event);
    }
  }

  synchronized List<String> events() {
    List<String> events = new ArrayList<>();
    for (long i = Math.max(0, next - SIZE); i < next; i++) {
      String event = ring[(int) (i % SIZE)];
      if (event != null) {
        events.add(event);
      }
    }
    return events;
  }
}
