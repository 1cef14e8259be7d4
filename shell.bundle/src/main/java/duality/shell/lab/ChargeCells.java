package duality.shell.lab;

import duality.drivers.DriverWork.Work;
import duality.shell.charge.CostModel.Sample;
import duality.shell.charge.DriverLook;
import duality.shell.charge.DriverLook.Part;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * Driver work of many kinds, each done several times, all in an order that is drawn anew each time:
 * so neither what the host does beside nor what the compiler still gets better at falls upon one of
 * them. Of each, the mean counts of those that are neither among the cheapest nor the dearest: a
 * median of so few moved more from one run to the next (docs/lab/charges.md).
 */
final class ChargeCells {
  private static final int LEAST_WARM_UPS = 2;
  private static final int MOST_WARM_UPS = 8;

  /** A round that is this little faster than the one before it: the code is warm. */
  private static final double WARM = 0.05;

  /** How often in a round work is done that prices are not fitted to: nothing else evens it out. */
  static final int UNSEEN_TIMES = 3;

  /** So much of the samples is left out at either end. */
  private static final int TRIMMED = 5;

  /** Something that guests do. */
  interface Action {
    void run() throws Exception;
  }

  /**
   * A piece of work.
   *
   * @param kind what is done; all cells of a kind differ in how often
   * @param count how often
   * @param seen whether prices may be fitted to it
   * @param drivers names of the drivers whose work it is
   */
  record Cell(String kind, int count, boolean seen, Set<String> drivers, Action action) {}

  /** What one driver did for one guest in one cell. */
  record Key(Cell cell, String client, String driver) {}

  private final Trial trial;
  private final List<Cell> cells;
  private final Random random = new Random(2005);
  private final Map<Key, List<Sample>> samples = new LinkedHashMap<>();

  /** With all that is to be done. */
  ChargeCells(Trial trial, List<Cell> cells) {
    this.trial = trial;
    this.cells = new ArrayList<>(cells);
    for (Cell cell : cells) {
      if (!cell.seen) {
        this.cells.addAll(Collections.nCopies(UNSEEN_TIMES - 1, cell));
      }
    }
  }

  /** Does everything so often that it does not get faster any more, and then so often. */
  void measure(int times) throws Exception {
    double before = 0;
    for (int i = 1; i <= MOST_WARM_UPS; i++) {
      round();
      double nanos = samples.values().stream().mapToDouble(each -> each.getFirst().nanos()).sum();
      samples.clear();
      trial
          .say()
          .accept(
              String.format(Locale.ROOT, "warm-up %d: %.0f ms of drivers' time", i, nanos / 1e6));
      if (i >= LEAST_WARM_UPS && nanos > (1 - WARM) * before) {
        break;
      }
      before = nanos;
    }
    for (int i = 1; i <= times; i++) {
      round();
      trial.say().accept("measured " + i + " of " + times + " times");
    }
  }

  private void round() throws Exception {
    Collections.shuffle(cells, random);
    for (Cell cell : cells) {
      trial.cancellation().check();
      DriverLook before = DriverLook.now(trial.context());
      cell.action.run();
      Map<Key, Sample> done = new LinkedHashMap<>();
      for (Part part : DriverLook.now(trial.context()).since(before)) {
        if (cell.drivers.contains(part.driver()) && part.measuredNanos() > 0) {
          Sample sample = new Sample(part.work(), part.measuredNanos());
          // Two disks of a guest have a driver each, and are one client.
          done.merge(new Key(cell, part.client(), part.driver()), sample, ChargeCells::plus);
        }
      }
      done.values().removeIf(each -> each.work().descriptors() == 0); // it looked, no more
      done.forEach(
          (key, sample) -> samples.computeIfAbsent(key, any -> new ArrayList<>()).add(sample));
    }
  }

  private static Sample plus(Sample first, Sample second) {
    return new Sample(first.work().plus(second.work()), first.nanos() + second.nanos());
  }

  /** One sample for each that is asked for. */
  Map<Key, Sample> middles(Predicate<Key> wanted) {
    Map<Key, Sample> middles = new LinkedHashMap<>();
    samples.forEach(
        (key, all) -> {
          if (wanted.test(key)) {
            middles.put(key, middle(all));
          }
        });
    return middles;
  }

  /** The mean of samples without the fifth that is cheapest and the fifth that is dearest. */
  static Sample middle(List<Sample> all) {
    List<Sample> sorted = new ArrayList<>(all);
    sorted.sort(Comparator.comparingDouble(each -> each.nanos() / each.work().descriptors()));
    int cut = sorted.size() / TRIMMED;
    List<Sample> kept = sorted.subList(cut, sorted.size() - cut);
    Sample sum = kept.stream().reduce(ChargeCells::plus).orElseThrow();
    Work work = sum.work();
    double many = kept.size();
    return new Sample(
        new Work(
            work.endpoint(),
            Math.round(work.descriptors() / many),
            Math.round(work.copies() / many),
            Math.round(work.readBytes() / many),
            Math.round(work.writtenBytes() / many),
            Math.round(work.notifications() / many)),
        sum.nanos() / many);
  }

  /** Names of the drivers that were seen at work. */
  List<String> drivers() {
    return samples.keySet().stream().map(Key::driver).distinct().sorted().toList();
  }

  /**
   * Points of one kind, by guest and count: all its drivers' work and time together, as a driver
   * domain would have it.
   */
  List<Sample> points(String kind) {
    Map<String, Sample> sums = new TreeMap<>();
    middles(key -> key.cell.kind.equals(kind))
        .forEach(
            (key, sample) ->
                sums.merge(key.client + " " + key.cell.count, sample, ChargeCells::plus));
    return List.copyOf(sums.values());
  }

  /** Kinds of those cells that prices are fitted to, in alphabetical order. */
  List<String> kinds() {
    return samples.keySet().stream()
        .filter(each -> each.cell.seen)
        .map(each -> each.cell.kind)
        .distinct()
        .sorted()
        .toList();
  }

  /** Nothing done, under a name. */
  static Work nothing(String name) {
    return new Work(name, 0, 0, 0, 0, 0);
  }
}
