package duality.vmm.xen;

import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/** Exits of a guest that is written for its monitor, counted and timed by what they were for. */
final class Tally {
  /** What an exit was for. */
  enum Kind {
    HYPERCALL("hypercalls"),
    TABLES("changes of page tables, in batches or one by one"),
    CALL("system calls handed to the guest"),
    PAGE_FAULT("page faults handed to the guest"),
    FILL("pages shown that its tables have"),
    EVENT("events"),
    WAIT("waits"),
    EXCEPTION("other exceptions");

    final String text;

    Kind(String text) {
      this.text = text;
    }
  }

  private static final class Count {
    final LongAdder times = new LongAdder();
    final LongAdder nanos = new LongAdder();
  }

  private final Map<Kind, Count> counts = new EnumMap<>(Kind.class);
  private final LongAdder updates = new LongAdder();

  Tally() {
    for (Kind kind : Kind.values()) {
      counts.put(kind, new Count());
    }
  }

  void count(Kind kind, long nanos) {
    Count count = counts.get(kind);
    if (count != null) {
      count.times.increment();
      count.nanos.add(nanos);
    }
  }

  /** Entries of page tables that were asked to be changed. */
  void updates(long more) {
    updates.add(more);
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    counts.forEach(
        (kind, count) -> {
          long times = count.times.sum();
          if (times > 0) {
            text.append(
                String.format(
                    Locale.ROOT,
                    "%s: %d, %.1f us each%n",
                    kind.text,
                    times,
                    count.nanos.sum() / 1e3 / times));
          }
        });
    return text.append("entries of page tables changed: ").append(updates.sum()).toString();
  }
}
