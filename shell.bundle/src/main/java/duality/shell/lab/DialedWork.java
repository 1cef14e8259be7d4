package duality.shell.lab;

import duality.drivers.Console;
import duality.servers.CostDial;
import duality.shell.lab.Workbench.Work;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Work in one structure with dials before its endpoints: what it takes at each price.
 *
 * <p>Time is the processor time of all threads that can pay: the processors', and those of the
 * devices and stores. So a price that is paid while somebody else is at work counts as well as one
 * that somebody waits for, and what the host gives to other programs does not count at all. The
 * time by the clock is taken beside it.
 */
final class DialedWork {
  private static final String PROCESSOR = "duality processor host";
  private static final String WORKER = "duality worker ";

  /** Calls with which it is seen what a price really costs. */
  private static final int TRIED = 200;

  private final Trial trial;
  private final Workbench bench;
  private final List<String> dialed;
  private final List<String> guests;
  private final Console console;

  /** Puts the dials in. */
  DialedWork(Trial trial, Workbench bench) {
    this.trial = trial;
    this.bench = bench;
    dialed = bench.dials(trial);
    guests = bench.endpoints().stream().filter(each -> each.matches("[^/]+/[^/]+")).toList();
    String path =
        dialed.stream().filter(each -> each.endsWith("/console")).findFirst().orElseThrow();
    console = trial.root().connect(path, Console.class);
  }

  /** The endpoints with a dial. */
  List<String> dialed() {
    return dialed;
  }

  /**
   * What a piece of work took, beside doing nothing: the medians of several times.
   *
   * @param paidNanos what a call really cost more, by the processor time of a thread that made many
   * @param cpuNanos processor time
   * @param wallNanos time by the clock
   * @param crossings that the dials counted
   */
  record Taken(double paidNanos, double cpuNanos, double wallNanos, double crossings) {
    private Taken less(Taken other) {
      return new Taken(
          paidNanos,
          cpuNanos - other.cpuNanos,
          wallNanos - other.wallNanos,
          crossings - other.crossings);
    }
  }

  /** The same work at each price, prices in turn, so often. */
  List<Taken> at(long[] prices, Work work, Work nothing, int times) throws Exception {
    Taken unused = once(work, 0);
    List<List<Taken>> all = new ArrayList<>();
    Arrays.stream(prices).forEach(each -> all.add(new ArrayList<>()));
    for (int j = 0; j < times; j++) {
      for (int i = 0; i < prices.length; i++) {
        price(prices[i], false, dialed);
        double paid = prices[i] == 0 ? 0 : tried(prices[i]);
        Taken idle = once(nothing, paid);
        all.get(i).add(once(work, paid).less(idle));
      }
    }
    price(0, false, dialed);
    return all.stream().map(DialedWork::medians).toList();
  }

  private static Taken medians(List<Taken> all) {
    return new Taken(
        median(all.stream().mapToDouble(Taken::paidNanos).toArray()),
        median(all.stream().mapToDouble(Taken::cpuNanos).toArray()),
        median(all.stream().mapToDouble(Taken::wallNanos).toArray()),
        median(all.stream().mapToDouble(Taken::crossings).toArray()));
  }

  /** The one in the middle, or between the two there. */
  static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int half = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }

  /** What a call costs this thread more than at no price. */
  private double tried(long nanos) {
    double dear = calls();
    price(0, false, dialed);
    double cheap = calls();
    price(nanos, false, dialed);
    return dear - cheap;
  }

  private double calls() {
    long begun = ThreadTimes.own();
    long sum = 0;
    for (int i = 0; i < TRIED; i++) {
      sum += console.position();
    }
    double each = (double) (ThreadTimes.own() - begun) / TRIED;
    return sum == Long.MIN_VALUE ? 0 : each; // so that no call can be left out
  }

  /** Sets the price of calls to these endpoints. */
  void price(long nanos, boolean handOff, List<String> endpoints) {
    endpoints.forEach(each -> trial.dial().set(each, nanos, handOff));
  }

  private double counted() {
    return trial.dial().settings().stream()
        .filter(each -> dialed.contains(each.endpoint()))
        .mapToLong(CostDial.Setting::calls)
        .sum();
  }

  private boolean pays(String thread) {
    return guests.stream().anyMatch(each -> pays(thread, each));
  }

  /** Whether a thread of that name can make calls for a guest. */
  static boolean pays(String thread, String guest) {
    String endpoint = thread.startsWith(WORKER) ? thread.substring(WORKER.length()) : thread;
    return thread.startsWith(PROCESSOR)
        || endpoint.startsWith(guest + "/")
        || endpoint.startsWith(guest + ":");
  }

  /** Does it once, at the price that is set. */
  Taken once(Work work, double paidNanos) throws Exception {
    trial.cancellation().check();
    double before = counted();
    ThreadTimes threads = ThreadTimes.now(this::pays);
    long begun = System.nanoTime();
    bench.run(work);
    long wall = System.nanoTime() - begun;
    long cpu = ThreadTimes.now(this::pays).since(threads);
    return new Taken(paidNanos, cpu, wall, counted() - before);
  }

  /** What its dials say of themselves. */
  static String show(long[] prices, List<Taken> taken) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < prices.length; i++) {
      if (prices[i] > 0) {
        text.append(text.isEmpty() ? "" : ", ")
            .append(
                String.format(
                    Locale.ROOT,
                    "%.2f µs for %.0f",
                    taken.get(i).paidNanos() / 1e3,
                    prices[i] / 1e3));
      }
    }
    return text.toString();
  }
}
