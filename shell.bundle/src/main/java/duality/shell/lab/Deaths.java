package duality.shell.lab;

import duality.guests.Boot;
import duality.kernel.CallFailed;
import duality.servers.Swapper;
import duality.shell.command.CommandFailed;
import duality.shell.trust.Dependence;
import duality.shell.trust.TrustCommands;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;

/**
 * Guests of each structure, two of each, one of which has a disk; and the deaths of their servers.
 *
 * <p>A server is left dead for longer than a dozen rounds of the slowest guest take. A guest has
 * stalled when it began and ended no round within that time, which is certain if it needs the dead
 * one in each; it goes on when it did.
 */
final class Deaths implements AutoCloseable {
  private static final int WARM_ROUNDS = 5;
  private static final long LEAST_DEAD_MILLIS = 300;
  private static final long MOST_DEAD_MILLIS = 2_500;
  private static final int ROUNDS_IN_DEATH = 12;
  private static final long SECONDS = 60;
  private static final String DOMAIN_0 = "duality.domain0";

  /** Structure of what belongs to all. */
  static final String SHARED = "all";

  private final Trial trial;
  private final HostWatch host;
  private final List<WorkingGuest> guests = new ArrayList<>();
  private final List<Path> disks = new ArrayList<>();
  private final @Nullable Bundle domain0;

  /**
   * What dies.
   *
   * @param structure of the guest whose it is, or {@link #SHARED}
   * @param kind in words
   * @param dead endpoints
   * @param inDomain0 whether the back ends are moved into one bundle first
   */
  record Subject(String structure, String kind, List<String> dead, boolean inDomain0) {
    String name() {
      return structure + ": " + kind;
    }
  }

  /**
   * A death.
   *
   * @param measured whether it came to it: all guests worked before
   * @param predicted guests that the graph says will stall
   * @param stalled guests that did
   * @param guests all of them
   * @param disturbed whether the host took the processors meanwhile
   * @param failedRounds rounds that failed of guests that were to go on
   * @param progress rounds of the slowest of those beside as many as it did before, of the same
   *     time
   * @param ended what says of a guest that it did not work again; empty when all did
   */
  record Death(
      boolean measured,
      Set<String> predicted,
      Set<String> stalled,
      int guests,
      boolean disturbed,
      int failedRounds,
      double progress,
      String ended) {
    boolean asPredicted() {
      return stalled.equals(predicted);
    }
  }

  private Deaths(Trial trial, HostWatch host) {
    this.trial = trial;
    this.host = host;
    domain0 = trial.bundle(DOMAIN_0);
  }

  /**
   * Boots new guests, which work from then on.
   *
   * @param generation part of their names
   */
  static Deaths of(Trial trial, HostWatch host, Boot boot, int generation) throws Exception {
    Deaths made = new Deaths(trial, host);
    try {
      made.boot(boot, "lab-" + generation);
      return made;
    } catch (Exception e) {
      made.close();
      throw e;
    }
  }

  private void boot(Boot boot, String called) throws Exception {
    for (String monitor : List.of("machine", "trap", "xen")) {
      Boot image = monitor.equals("xen") ? trial.boot("nano-xen") : boot;
      for (String suffix : List.of("a", "b")) {
        String name = called + monitor.charAt(0) + suffix;
        guests.add(new NanoGuest(trial.root(), name, image, disk(name, suffix), "vmm." + monitor));
      }
    }
    for (String suffix : List.of("a", "b")) {
      guests.add(new NucleusGuest(trial.root(), called + "r" + suffix));
    }
    Path program = trial.program();
    if (program != null) {
      for (String suffix : List.of("a", "b")) {
        String name = called + "n" + suffix;
        guests.add(new NativeGuest(trial.root(), name, program, disk(name, suffix)));
      }
    }
    for (WorkingGuest each : guests) {
      each.begin();
      String stuck = stuck(List.of(each), WARM_ROUNDS, "nobody");
      if (!stuck.isEmpty()) {
        throw new IllegalStateException(stuck);
      }
    }
  }

  private @Nullable Path disk(String name, String suffix) {
    if (!suffix.equals("a")) {
      return null;
    }
    Path disk = trial.folder().resolve(name);
    disks.add(disk);
    return disk;
  }

  /** In the order in which they die. */
  List<Subject> subjects() {
    List<Subject> all = new ArrayList<>();
    for (WorkingGuest guest : guests) {
      for (String part : guest.parts()) {
        String kind =
            part.isEmpty()
                ? runner(guest.structure())
                : "a guest's " + part.substring(1).replaceAll("[0-9]", "");
        all.add(new Subject(guest.structure(), kind, List.of(guest.path() + part), false));
      }
    }
    for (String structure : structures()) {
      all.add(
          new Subject(
              structure, alike(structure) + ", by one bundle", endings(structure, ""), false));
    }
    all.add(shared("root", List.of("root")));
    all.add(shared("the scheduler", List.of("scheduler")));
    all.add(shared("the swapper", List.of("swapper")));
    all.add(shared("all stores, by one bundle", endings("", "/store0", "/store")));
    all.add(shared("all pagers, by one bundle", endings("", "/pager")));
    if (domain0 != null) {
      all.add(new Subject(SHARED, "Domain 0, the back ends of all in one bundle", List.of(), true));
    }
    return all;
  }

  /** Who runs a guest, for people. */
  private static String runner(String structure) {
    return switch (structure) {
      case "native" -> "the personality";
      case "nucleus" -> "the nucleus";
      default -> "a guest's VMM";
    };
  }

  private static String alike(String structure) {
    return switch (structure) {
      case "native" -> "all personalities";
      case "nucleus" -> "all nuclei";
      default -> "all VMMs";
    };
  }

  private static Subject shared(String kind, List<String> dead) {
    return new Subject(SHARED, kind, dead, false);
  }

  private List<String> structures() {
    return guests.stream().map(WorkingGuest::structure).distinct().toList();
  }

  /** Endpoints of guests of a structure, or of all, that end so. */
  private List<String> endings(String structure, String... endings) {
    return guests.stream()
        .filter(each -> structure.isEmpty() || each.structure().equals(structure))
        .flatMap(
            each ->
                each.parts().stream().filter(List.of(endings)::contains).map(each.path()::concat))
        .toList();
  }

  /** Lets it die, and mends it. */
  Death kill(Subject subject) throws CommandFailed {
    if (!subject.inDomain0() || domain0 == null) {
      return kill(subject, subject.dead());
    }
    String number = Long.toString(domain0.getBundleId());
    swap(moves("#" + number));
    Death death = kill(subject, TrustCommands.endpoints(trial.kernel(), number));
    if (death.ended().isEmpty()) {
      swap(moves(""));
    }
    return death;
  }

  private Death kill(Subject subject, List<String> dead) throws CommandFailed {
    trial.cancellation().check();
    String before = stuck(guests, 2, "nobody since the last one");
    if (!before.isEmpty()) {
      return new Death(false, Set.of(), Set.of(), guests.size(), false, 0, 1, before);
    }
    Set<String> paths = guests.stream().map(WorkingGuest::path).collect(Collectors.toSet());
    Set<String> predicted =
        new TreeSet<>(
            TrustCommands.stalled(new Dependence(trial.kernel().capabilities()), dead).keySet());
    predicted.retainAll(paths);
    List<Long> rounds = guests.stream().map(WorkingGuest::recentNanos).toList();
    long slowest = rounds.stream().mapToLong(Long::longValue).max().orElse(0);
    long deadMillis =
        Math.clamp(ROUNDS_IN_DEATH * slowest / 1_000_000, LEAST_DEAD_MILLIS, MOST_DEAD_MILLIS);
    boolean root = dead.contains("root");
    guests.forEach(each -> each.manyPages(root));
    HostWatch.Moment begin = host.now();
    long asked = System.nanoTime();
    trial.supervisor().kill(dead, deadMillis);
    long killed = System.nanoTime();
    long mended = asked + deadMillis * 1_000_000;
    while (System.nanoTime() - mended < 0) {
      WorkingGuest.pause(5);
    }
    boolean disturbed = host.disturbed(begin, host.now());
    Set<String> stalled = new TreeSet<>();
    int failedRounds = 0;
    double progress = Double.POSITIVE_INFINITY;
    for (int i = 0; i < guests.size(); i++) {
      WorkingGuest each = guests.get(i);
      // A round that began before the kill may end after it without the dead one.
      int within = each.roundsWithin(killed, mended);
      if (within == 0) {
        stalled.add(each.path());
      }
      if (!predicted.contains(each.path())) {
        failedRounds += each.failedWithin(killed, mended);
        progress = Math.min(progress, (double) within * rounds.get(i) / (mended - killed));
      }
    }
    guests.forEach(each -> each.manyPages(false));
    String ended = stuck(guests, 1, subject.name() + " " + dead);
    return new Death(
        true, predicted, stalled, guests.size(), disturbed, failedRounds, progress, ended);
  }

  /** What says of the first guest that does not do so many rounds where it hangs; else empty. */
  private String stuck(List<WorkingGuest> who, int rounds, String after) throws CommandFailed {
    for (WorkingGuest guest : who) {
      if (!guest.advances(rounds, SECONDS, trial.cancellation()::cancelled)) {
        trial.cancellation().check();
        return guest.path()
            + " does not do "
            + rounds
            + " rounds within "
            + SECONDS
            + " s after the death of "
            + after
            + "; "
            + guest.condition()
            + "; "
            + trial.kernel().endpoints().stream()
                .filter(each -> each.path().startsWith(guest.path()))
                .filter(each -> each.inside() > 0 || !each.condition().equals("open"))
                .toList()
            + "; "
            + trial.kernel().threads().stream()
                .filter(each -> each.name().startsWith(guest.path()))
                .toList();
      }
    }
    return "";
  }

  /** Of all back ends, to servers of a bundle of that number, or of their own bundles. */
  private List<Swapper.Move> moves(String suffix) {
    List<Swapper.Move> moves = new ArrayList<>();
    for (WorkingGuest guest : guests) {
      for (String part : guest.parts()) {
        String server =
            switch (part) {
              case "/console" -> "console.host";
              case "/blk0" -> "virtio.blk";
              case "/store0", "/store" -> "store.file";
              default -> "";
            };
        if (!server.isEmpty()) {
          moves.add(new Swapper.Move(guest.path() + part, server + of(server, suffix), false));
        }
      }
    }
    return moves;
  }

  private String of(String server, String suffix) {
    if (!suffix.isEmpty()) {
      return suffix;
    }
    Bundle own = trial.bundle("duality." + server);
    return "#" + (own == null ? 0 : own.getBundleId());
  }

  private void swap(List<Swapper.Move> moves) {
    Swapper.Swap swap = trial.swapper().swapAll(moves);
    if (!swap.done()) {
      throw new CallFailed.ServerFailed("the back ends do not move: " + swap.outcome());
    }
  }

  @Override
  public void close() {
    guests.forEach(WorkingGuest::close);
    for (Path each : disks) {
      try {
        Files.deleteIfExists(each);
      } catch (IOException e) {
        trial.say().accept("a disk stays until the end: " + e.getMessage());
      }
    }
  }
}
