package duality.shell.lab;

import duality.kernel.CallFailed;
import duality.shell.command.CommandFailed;
import duality.shell.lab.Crossings.Crossing;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The same counts for nano, which runs on every monitor: as it is on {@code vmm.machine} and {@code
 * vmm.trap}, ported to {@code vmm.xen}. What it does in a table is told from what another guest
 * does there by the name of its structure, such as {@code nano/trap}.
 */
final class NanoCrossings implements AutoCloseable {
  private static final String NAME = "crossings-nano";
  private static final int MORE = 5;
  private static final Pattern EACH =
      Pattern.compile("([a-z]+): ([0-9]+) times, ([0-9]+) ns each.*", Pattern.DOTALL);

  /**
   * An operation.
   *
   * @param name in the table
   * @param word what nano calls it
   * @param few how often at first
   */
  record Operation(String name, String word, int few) {}

  static final Operation NULL = new Operation("null", "null", 4_000);
  static final Operation FAULT = new Operation("fault", "fault", 512);

  /** A child of 21 pages that writes one and ends, and waiting for it. */
  static final Operation FORK = new Operation("fork", "fork", 50);

  /** The same, but the child begins another program first, with a new image and memory. */
  static final Operation EXEC = new Operation("exec", "exec", 50);

  /** A byte through a pipe to another process, which runs then. */
  static final Operation SWITCH = new Operation("switch", "pipe", 400);

  /** To the other program and back is two of them. */
  static final Operation YIELD = new Operation("yield", "switch", 2_000);

  /** A page table entry made, used and taken away. */
  static final Operation MAP = new Operation("map", "map", 2_048);

  static final Operation READ = new Operation("read", "read", 100);
  static final Operation WRITE = new Operation("write", "write", 100);

  /** All that nano does, in the order of the table. */
  static final List<Operation> ALL =
      List.of(NULL, FAULT, FORK, EXEC, SWITCH, YIELD, MAP, READ, WRITE);

  /** What has system calls in it, which the gate has go beside the monitor. */
  static final List<Operation> WITH_CALLS = List.of(NULL, FORK, EXEC, SWITCH, YIELD);

  private final Trial trial;
  private final NanoGuest guest;

  /** Boots it on a monitor, such as {@code vmm.xen}. */
  NanoCrossings(Trial trial, String monitor) throws Exception {
    this.trial = trial;
    guest = NanoGuest.on(trial, monitor, NAME, trial.folder().resolve("nano-" + monitor));
    try {
      guest.boot();
    } catch (RuntimeException e) {
      guest.close();
      throw e;
    }
  }

  /** All operations on all monitors, on the last one with and without what only that one has. */
  static List<Crossing> measureAll(Trial trial) throws Exception {
    List<Crossing> rows = new ArrayList<>();
    for (String monitor : List.of("vmm.machine", "vmm.trap", "vmm.xen")) {
      try (NanoCrossings nano = new NanoCrossings(trial, monitor)) {
        String structure = "nano/" + nano.guest.structure();
        for (Operation each : ALL) {
          rows.add(nano.row(structure, each, rows));
        }
        if (monitor.equals("vmm.xen")) {
          nano.set("gate on");
          for (Operation each : WITH_CALLS) {
            rows.add(nano.row(structure + "+gate", each, rows));
          }
          nano.set("gate off");
          nano.set("batch 1");
          for (Operation each : List.of(FORK, EXEC, MAP)) {
            rows.add(nano.row(structure + "+single", each, rows));
          }
        }
      }
    }
    return rows;
  }

  /** Has it change how it does things; it repeats what it was told when it can. */
  void set(String command) throws CommandFailed {
    String said = guest.command(command);
    if (!said.equals(command)) {
      throw new CommandFailed(guest.path() + " says to '" + command + "': " + said);
    }
  }

  /**
   * What one operation costs.
   *
   * @param rows those that were measured, for the ratio
   */
  Crossing row(String structure, Operation operation, List<Crossing> rows) {
    int few = operation.few * trial.rounds();
    try {
      // Once for the caches and the compiler of the host, as for the others.
      Sample unused = sample(operation, few * MORE);
      Sample less = sample(operation, few);
      Sample more = sample(operation, few * MORE);
      double operations = (double) few * (MORE - 1);
      Tallies each = more.counted.moreThan(less.counted, operations);
      Crossings.Own own = more.own.plus(less.own, -1).dividedBy(operations);
      String ratio =
          rows.stream()
              .filter(one -> one.structure().equals("nano/machine"))
              .filter(one -> one.operation().equals(operation.name) && one.cpuNanos() > 0)
              .map(one -> String.format(Locale.ROOT, "%.2f", each.cpuNanos() / one.cpuNanos()))
              .findFirst()
              .orElse("");
      Crossing row =
          new Crossing(
              structure,
              operation.name,
              each.calls(),
              each.faults(),
              each.exceptions(),
              each.devices(),
              each.notifications(),
              each.maps(),
              each.unmaps(),
              Crossings.figure(own.exits()),
              Crossings.figure(own.filled()),
              Crossings.figure(own.calls()),
              Math.round(each.cpuNanos()),
              Math.round((more.nanos - less.nanos) / operations),
              ratio,
              "");
      trial.say().accept(structure + " " + operation.name + ": " + row.elapsedNanos() + " ns");
      return row;
    } catch (CommandFailed | CallFailed | IllegalStateException e) {
      String why = String.valueOf(e.getMessage()).replace('\n', ' ');
      trial.say().accept(structure + " " + operation.name + ": " + why);
      return none(structure, operation.name, why);
    }
  }

  private static Crossing none(String structure, String operation, String why) {
    return new Crossing(
        structure, operation, 0, 0, 0, 0, 0, 0, 0, "", "", "", 0, 0, "", "not run: " + why);
  }

  /** Crossings into servers of one of these rows: shadow spaces' faults are exceptions, too. */
  static double into(Crossing row) {
    double faults = row.structure().equals("nano/machine") ? row.faults() : 0;
    return row.exceptions() + faults + row.devices();
  }

  private record Sample(Tallies counted, Crossings.Own own, double nanos) {}

  private Sample sample(Operation operation, int count) throws CommandFailed {
    trial.cancellation().check();
    Crossings.Own ownBefore = Crossings.Own.of(guest.report().overhead());
    Tallies before = Tallies.now(trial.kernel(), guest.path());
    String said = guest.command("op " + operation.word + " " + count);
    Tallies counted = Tallies.now(trial.kernel(), guest.path()).since(before);
    Crossings.Own own = Crossings.Own.of(guest.report().overhead()).plus(ownBefore, -1);
    Matcher each = EACH.matcher(said);
    if (!each.matches() || !each.group(1).equals(operation.word)) {
      throw new CommandFailed("nano says: " + said);
    }
    return new Sample(counted, own, (double) Long.parseLong(each.group(3)) * count);
  }

  @Override
  public void close() {
    guest.close();
  }
}
