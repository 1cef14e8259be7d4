package duality.vmm.trap;

import java.util.Locale;

/**
 * Counts the exits of a hart by kind, with the time that they took here, and sums them up by the
 * four sources of a monitor's overhead [Gol74]: the state of the virtual processor, privileged
 * instructions, paging within the machine, and console functions, which are I/O today.
 *
 * <p><em>Concurrency:</em> written by the processor that carries the hart; who reads meanwhile may
 * miss the last exit.
 */
final class Tally {
  /** Goldberg's sources. */
  private enum Source {
    STATE("state of the virtual processor"),
    INSTRUCTIONS("privileged instructions"),
    PAGING("paging within the machine"),
    CONSOLE("console and device functions");

    final String label;

    Source(String label) {
      this.label = label;
    }
  }

  /** Kinds of exits. */
  enum Kind {
    CALL("system calls of programs", Source.STATE),
    EXCEPTION("exceptions handed to the guest", Source.STATE),
    INTERRUPT("interrupts", Source.STATE),
    RETURN("sret", Source.STATE),
    FLOAT("floating point switched on", Source.STATE),
    CSR("control and status registers", Source.INSTRUCTIONS),
    WAIT("wfi", Source.INSTRUCTIONS),
    FILL("shadow entries filled", Source.PAGING),
    PAGE_FAULT("page faults handed to the guest", Source.PAGING),
    ROOT("satp", Source.PAGING),
    FENCE("sfence.vma", Source.PAGING),
    DEVICE("device registers", Source.CONSOLE),
    FIRMWARE("firmware calls", Source.CONSOLE);

    final String label;
    private final Source source;

    Kind(String label, Source source) {
      this.label = label;
      this.source = source;
    }
  }

  private final long[] counts = new long[Kind.values().length];
  private final long[] nanos = new long[Kind.values().length];

  void count(Kind kind, long spentNanos) {
    counts[kind.ordinal()]++;
    nanos[kind.ordinal()] += spentNanos;
  }

  long count(Kind kind) {
    return counts[kind.ordinal()];
  }

  /** The table. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    long allExits = 0;
    long allSpent = 0;
    for (Source source : Source.values()) {
      long exits = 0;
      long spent = 0;
      StringBuilder kinds = new StringBuilder();
      for (Kind kind : Kind.values()) {
        if (kind.source == source && counts[kind.ordinal()] > 0) {
          exits += counts[kind.ordinal()];
          spent += nanos[kind.ordinal()];
          kinds
              .append("  ")
              .append(line(kind.label, counts[kind.ordinal()], nanos[kind.ordinal()]));
        }
      }
      text.append(line(source.label, exits, spent)).append(kinds);
      allExits += exits;
      allSpent += spent;
    }
    return text.append(line("all", allExits, allSpent)).toString().stripTrailing();
  }

  private static String line(String label, long exits, long spentNanos) {
    return String.format(
        Locale.ROOT,
        "%s: %d exits, %.3f s, %d ns each%n",
        label,
        exits,
        spentNanos / 1_000_000_000.0,
        spentNanos / Math.max(exits, 1));
  }
}
