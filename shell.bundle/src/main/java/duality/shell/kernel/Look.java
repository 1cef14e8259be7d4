package duality.shell.kernel;

import duality.kernel.EndpointReport;
import duality.kernel.Observation;
import duality.kernel.ThreadReport;
import duality.shell.text.Table;
import duality.shell.text.Table.Column;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * All figures of the kernel at one moment. Two of them make a block of {@code kernel:top}: rates
 * per second for each endpoint and guest.
 *
 * @param nanos when, on the host's monotonic clock
 * @param counters of the endpoints, faults of their spaces added
 * @param busy processor time inside each endpoint, by path; sampled
 * @param threads of the guests
 */
record Look(
    long nanos, List<Counters> counters, Map<String, Long> busy, List<ThreadReport> threads) {
  /** How a machine names its harts' threads. */
  private static final String HART = "hart";

  private static final List<Column> ENDPOINT_COLUMNS =
      List.of(
          new Column("endpoint", false),
          new Column("server", false),
          new Column("cpu", true),
          new Column("calls/s", true),
          new Column("faults/s", true),
          new Column("notif/s", true),
          new Column("waits/s", true),
          new Column("fails/s", true));
  private static final List<Column> GUEST_COLUMNS =
      List.of(
          new Column("guest", false),
          new Column("state", false),
          new Column("cpu", true),
          new Column("servers", true),
          new Column("instr/s", true),
          new Column("exits/s", true),
          new Column("faults/s", true),
          new Column("mmio/s", true),
          new Column("calls/s", true));

  /** Looks now. */
  static Look now(Observation kernel) {
    Map<String, Long> busy = new HashMap<>();
    for (EndpointReport each : kernel.endpoints()) {
      busy.put(each.path(), each.busyNanos());
    }
    return new Look(System.nanoTime(), Counters.now(kernel), busy, kernel.threads());
  }

  /** What an endpoint did between two looks. */
  private record Busy(Counters counted, long busyNanos) {}

  /**
   * Draws what happened since an earlier look.
   *
   * @param all whether endpoints at which nothing happened are shown too
   * @param width columns of the screen
   * @param height lines of the screen; endpoints that did least are left out when there are more
   * @return lines, the last one without a line end
   */
  String since(Look before, boolean all, int width, int height) {
    double seconds = Math.max(1, nanos - before.nanos) / 1e9;
    List<Busy> endpoints = new ArrayList<>();
    for (Counters each : Counters.between(before.counters, counters)) {
      long spent = busy.getOrDefault(each.endpoint(), 0L);
      long earlier = before.busy.getOrDefault(each.endpoint(), 0L);
      endpoints.add(new Busy(each, spent < earlier ? spent : spent - earlier));
    }
    Map<String, Guest> guests = guests(before);
    endpoints.forEach(each -> guestOf(guests, each.counted.endpoint()).add(each));
    guests.remove("");
    List<String> lines = new ArrayList<>();
    lines.add(summary(endpoints, guests, seconds));
    if (!guests.isEmpty()) {
      lines.add("");
      Table table = new Table(GUEST_COLUMNS);
      for (Guest each : guests.values()) {
        table.row(each.cells(seconds));
        if (each.harts.size() > 1) {
          each.harts.forEach(hart -> table.row(hart.cells(seconds)));
        }
      }
      lines.addAll(table.draw(width).lines().toList());
    }
    lines.add("");
    lines.addAll(
        endpointLines(endpoints, all, seconds, width, Math.max(3, height - lines.size() - 3)));
    return String.join(
        "\n",
        lines.stream().map(line -> line.substring(0, Math.min(line.length(), width))).toList());
  }

  private static List<String> endpointLines(
      List<Busy> endpoints, boolean all, double seconds, int width, int most) {
    List<Busy> shown =
        endpoints.stream()
            .filter(each -> all || !each.counted.still() || each.busyNanos > 0)
            .sorted(
                Comparator.comparingLong((Busy each) -> -each.busyNanos / 1_000_000)
                    .thenComparing(each -> -each.counted.calls())
                    .thenComparing(each -> each.counted.endpoint()))
            .toList();
    Table table = new Table(ENDPOINT_COLUMNS);
    for (Busy each : shown.subList(0, Math.min(shown.size(), most))) {
      Counters counted = each.counted;
      table.row(
          List.of(
              counted.endpoint(),
              counted.server().isEmpty() ? "(nobody)" : counted.server(),
              percent(each.busyNanos, seconds),
              rate(counted.calls(), seconds),
              rate(counted.faults(), seconds),
              rate(counted.notifications(), seconds),
              rate(counted.waited(), seconds),
              rate(counted.failures(), seconds)));
    }
    List<String> lines = new ArrayList<>(table.draw(width).lines().toList());
    int hidden = endpoints.size() - table.rows();
    if (hidden > 0) {
      lines.add(
          shown.size() > table.rows()
              ? "and " + hidden + " more"
              : hidden + (hidden == 1 ? " other was" : " others were") + " not used");
    }
    return lines;
  }

  private static String summary(List<Busy> endpoints, Map<String, Guest> guests, double seconds) {
    long inGuests = guests.values().stream().mapToLong(each -> each.cpuNanos).sum();
    long inServers = endpoints.stream().mapToLong(each -> each.busyNanos).sum();
    long calls = endpoints.stream().mapToLong(each -> each.counted.calls()).sum();
    long faults = endpoints.stream().mapToLong(each -> each.counted.faults()).sum();
    return String.format(
        Locale.ROOT,
        "guests %s, servers %s of a processor; %s calls/s, %s faults/s in %.2f s",
        percent(inGuests, seconds),
        percent(inServers, seconds),
        rate(calls, seconds),
        rate(faults, seconds),
        seconds);
  }

  /** A machine or native program: its threads and everything below its path. */
  private static final class Guest {
    final String path;

    /** Those of a machine, each counted by itself. */
    final List<Guest> harts = new ArrayList<>();

    String state = "";
    long cpuNanos;
    long instructions;
    long exits;
    long faults;
    long mmio;
    long calls;
    long serverNanos;

    Guest(String path) {
      this.path = path;
    }

    void add(ThreadReport now, @Nullable ThreadReport then) {
      state = state.equals("RUNNING") ? state : now.state();
      cpuNanos += now.cpuNanos() - (then == null ? 0 : then.cpuNanos());
      instructions += now.instructions() - (then == null ? 0 : then.instructions());
      exits += now.exits() - (then == null ? 0 : then.exits());
      faults += now.faults() - (then == null ? 0 : then.faults());
      mmio += now.mmio() - (then == null ? 0 : then.mmio());
    }

    void add(Busy each) {
      calls += each.counted.calls();
      serverNanos += each.busyNanos;
    }

    List<String> cells(double seconds) {
      return List.of(
          path,
          state,
          percent(cpuNanos, seconds),
          percent(serverNanos, seconds),
          rate(instructions, seconds),
          rate(exits, seconds),
          rate(faults, seconds),
          rate(mmio, seconds),
          rate(calls, seconds));
    }
  }

  private Map<String, Guest> guests(Look before) {
    Map<Integer, ThreadReport> earlier = new HashMap<>();
    before.threads.forEach(each -> earlier.put(each.id(), each));
    Map<String, Guest> guests = new TreeMap<>();
    for (ThreadReport now : threads) {
      int colon = now.name().lastIndexOf(':');
      String path = colon < 0 ? now.name() : now.name().substring(0, colon);
      Guest guest = guests.computeIfAbsent(path, Guest::new);
      ThreadReport then = earlier.get(now.id());
      guest.add(now, then);
      if (now.name().startsWith(HART, colon + 1)) {
        Guest hart = new Guest("  " + now.name().substring(colon + 1));
        hart.add(now, then);
        guest.harts.add(hart);
      }
    }
    return guests;
  }

  /** The guest to which an endpoint belongs; what belongs to none is added up and not shown. */
  private static Guest guestOf(Map<String, Guest> guests, String endpoint) {
    String path = endpoint;
    while (!guests.containsKey(path) && path.indexOf('/') >= 0) {
      path = path.substring(0, path.lastIndexOf('/'));
    }
    String found = guests.containsKey(path) ? path : "";
    return guests.computeIfAbsent(found, Guest::new);
  }

  /** So many in a second, with about three digits: {@code 0}, {@code 0.4}, {@code 812}, 15.3k. */
  static String rate(long count, double seconds) {
    double rate = count / seconds;
    if (count == 0) {
      return "0";
    }
    if (rate < 9.95) {
      return String.format(Locale.ROOT, "%.1f", rate);
    }
    if (rate < 9_999.5) {
      return String.format(Locale.ROOT, "%.0f", rate);
    }
    return rate < 9_999_500
        ? String.format(Locale.ROOT, "%.1fk", rate / 1e3)
        : String.format(Locale.ROOT, "%.1fM", rate / 1e6);
  }

  private static String percent(long nanos, double seconds) {
    return String.format(Locale.ROOT, "%.1f%%", 100 * nanos / 1e9 / seconds);
  }
}
