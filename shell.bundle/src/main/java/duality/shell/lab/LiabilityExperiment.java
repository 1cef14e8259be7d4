package duality.shell.lab;

import duality.guests.Boot;
import duality.kernel.CallFailed;
import duality.servers.Swapper;
import duality.shell.trust.Dependence;
import duality.shell.trust.TrustCommands;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.osgi.framework.Bundle;

/**
 * Who depends on whom: servers die under working guests, and who stalls is compared with what the
 * capability graph said before.
 *
 * <p>A server is left dead for longer than a dozen rounds of a guest take. A guest has stalled when
 * it began and ended no round within that time, which is certain if it needs the dead one in each;
 * it goes on when it did.
 */
final class LiabilityExperiment implements Experiment {
  private static final int WARM_ROUNDS = 5;
  private static final long LEAST_DEAD_MILLIS = 300;
  private static final long MOST_DEAD_MILLIS = 3_000;
  private static final int ROUNDS_IN_DEATH = 12;
  private static final long SECONDS = 60;
  private static final int KILLS_A_GENERATION = 60;
  private static final String DOMAIN_0 = "duality.domain0";
  private static final String RULE = "**";
  private static final String ALWAYS =
      String.join(", ", java.util.Collections.nCopies(10, "restart*100"));

  /** What of each guest dies by itself. */
  private static final List<String> OWN =
      List.of("", "/pager", "/plic", "/uart", "/console", "/rtc", "/blk0", "/store0");

  @Override
  public String name() {
    return "liability";
  }

  @Override
  public String question() {
    return "Who stalls when a user-level server dies, and is it whom the capabilities say?";
  }

  @Override
  public String sources() {
    return "HWF+05 claim 1; F10, A09";
  }

  @Override
  public List<Prediction> predictions() {
    return List.of(
        new Prediction(
            "Hand et al. 2005",
            "a monitor that hands resources out has no such dependence; a microkernel's clients,"
                + " and the kernel itself, hang on its servers: the death of a pager stops them"),
        new Prediction(
            "Heiser et al. 2006",
            "in both structures those stall who use the dead one, and nobody else; the kernel"
                + " never; a domain that holds all back ends stops every guest, servers apart only"
                + " their own"),
        new Prediction(
            "kernel:liability",
            "exactly the guests from which a chain of callable capabilities leads to the dead one;"
                + " nobody for the scheduler, for which the core has a last resort"));
  }

  private record Subject(String kind, List<String> dead) {}

  /** Kills by kind of server: how many, and in how many the prediction was right. */
  private static final class Count {
    int kills;
    int right;
    int stalled;
    int others;
    final List<String> wrong = new ArrayList<>();

    /** Deaths after which a guest did not work again. */
    final List<String> ends = new ArrayList<>();
  }

  @Override
  public Result run(Trial trial) throws Exception {
    Boot boot = trial.boot("nano");
    Map<String, Count> counts = new LinkedHashMap<>();
    trial.supervisor().rule(RULE, ALWAYS);
    try {
      for (int kills = 0, generation = 0; kills < trial.rounds(); generation++) {
        int part = Math.min(KILLS_A_GENERATION, trial.rounds() - kills);
        kills += generation(trial, boot, generation, kills, part, counts);
      }
    } finally {
      trial.supervisor().rule(RULE, "");
    }
    List<Finding> findings = new ArrayList<>();
    int kills = 0;
    int right = 0;
    for (Map.Entry<String, Count> each : counts.entrySet()) {
      Count count = each.getValue();
      kills += count.kills;
      right += count.right;
      findings.add(
          Finding.of(
              "death of " + each.getKey(),
              count.stalled + " guests stall, " + count.others + " go on, over all kills",
              count.right
                  + " of "
                  + count.kills
                  + " kills as predicted"
                  + (count.wrong.isEmpty() ? "" : "; not: " + count.wrong.getFirst()),
              count.right == count.kills));
    }
    findings.add(
        Finding.of(
            "all",
            kills + " predictions right",
            right + " of " + kills + " right",
            right == kills));
    List<String> ends = counts.values().stream().flatMap(each -> each.ends.stream()).toList();
    findings.add(
        Finding.of(
            "guests at work again after it was mended",
            "after each of " + kills + " kills",
            (kills - ends.size())
                + " of "
                + kills
                + (ends.isEmpty() ? "" : "; not: " + ends.getFirst()),
            ends.isEmpty()));
    return new Result(
        findings,
        (right == kills
                ? "Who stalls is who can call the dead one, each time; guests outside that set went"
                    + " on. "
                : "The graph did not foresee all of it. ")
            + "A guest that does not use the dead server meanwhile would not have stalled: these"
            + " use all of theirs in each round.");
  }

  /** Kills servers of three new guests until one does not work again; answers how many. */
  private int generation(
      Trial trial, Boot boot, int generation, int first, int kills, Map<String, Count> counts)
      throws Exception {
    List<NanoGuest> guests = new ArrayList<>();
    try {
      for (String name : List.of("a", "b", "c")) {
        String called = "lab-" + generation + name;
        guests.add(
            new NanoGuest(
                trial.root(),
                called,
                boot,
                name.equals("c") ? null : trial.folder().resolve(called),
                ""));
      }
      for (NanoGuest each : guests) {
        each.begin();
        goesOn(trial, each, WARM_ROUNDS, "nobody");
      }
      Bundle domain0 = trial.bundle(DOMAIN_0);
      for (int i = 0; i < kills; i++) {
        trial.cancellation().check();
        List<Subject> subjects = subjects(guests);
        int at = first + i;
        int count = subjects.size() + (domain0 == null ? 0 : 1);
        boolean goOn;
        if (domain0 != null && at % count == subjects.size()) {
          intoDomain0(trial, guests, domain0);
          String number = Long.toString(domain0.getBundleId());
          goOn =
              kill(
                  trial,
                  guests,
                  new Subject(
                      "Domain 0, the back ends of all in one bundle",
                      TrustCommands.endpoints(trial.kernel(), number)),
                  counts);
          if (goOn) {
            outOfDomain0(trial, guests);
          }
        } else {
          goOn = kill(trial, guests, subjects.get(at % count), counts);
        }
        if ((i + 1) % 10 == 0) {
          trial.say().accept((at + 1) + " kills");
        }
        if (!goOn) {
          return i + 1; // the others get new guests
        }
      }
      return kills;
    } finally {
      guests.forEach(NanoGuest::close);
    }
  }

  private static void goesOn(Trial trial, NanoGuest guest, int rounds, String after) {
    if (!guest.advances(rounds, SECONDS, trial.cancellation()::cancelled)) {
      throw new IllegalStateException(
          guest.path()
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
                  .toList());
    }
  }

  /** In the order in which they die. */
  private static List<Subject> subjects(List<NanoGuest> guests) {
    List<Subject> all = new ArrayList<>();
    for (NanoGuest guest : guests) {
      for (String part : OWN) {
        boolean disk = part.equals("/blk0") || part.equals("/store0");
        if (!disk || guest != guests.getLast()) {
          String kind = part.isEmpty() ? "a guest's VMM" : "a guest's " + part.substring(1);
          all.add(new Subject(kind.replaceAll("[0-9]", ""), List.of(guest.path() + part)));
        }
      }
    }
    all.add(new Subject("root", List.of("root")));
    all.add(new Subject("the scheduler", List.of("scheduler")));
    all.add(new Subject("the swapper", List.of("swapper")));
    all.add(
        new Subject(
            "all stores, by one bundle",
            List.of(guests.get(0).path() + "/store0", guests.get(1).path() + "/store0")));
    all.add(
        new Subject(
            "all pagers, by one bundle",
            guests.stream().map(each -> each.path() + "/pager").toList()));
    return all;
  }

  /** Says whether all guests work again. */
  private static boolean kill(
      Trial trial, List<NanoGuest> guests, Subject subject, Map<String, Count> counts)
      throws Exception {
    Set<String> paths = guests.stream().map(NanoGuest::path).collect(Collectors.toSet());
    Set<String> predicted =
        new TreeSet<>(
            TrustCommands.stalled(new Dependence(trial.kernel().capabilities()), subject.dead())
                .keySet());
    predicted.retainAll(paths);
    boolean root = subject.dead().contains("root");
    for (NanoGuest each : guests) {
      goesOn(trial, each, 2, "nobody since the last one");
    }
    long round = guests.stream().mapToLong(NanoGuest::recentNanos).max().orElse(0);
    long deadMillis =
        Math.clamp(ROUNDS_IN_DEATH * round / 1_000_000, LEAST_DEAD_MILLIS, MOST_DEAD_MILLIS);
    guests.forEach(each -> each.manyPages(root));
    long before = System.nanoTime();
    trial.supervisor().kill(subject.dead(), deadMillis);
    long killed = System.nanoTime();
    long mended = before + deadMillis * 1_000_000;
    while (System.nanoTime() - mended < 0) {
      NanoGuest.pause(5);
    }
    Set<String> stalled = new TreeSet<>();
    for (NanoGuest each : guests) {
      // A round that began before the kill may end after it without the dead one.
      if (each.roundsWithin(killed, mended) == 0) {
        stalled.add(each.path());
      }
    }
    Count count = counts.computeIfAbsent(subject.kind(), any -> new Count());
    count.kills++;
    count.stalled += predicted.size();
    count.others += guests.size() - predicted.size();
    if (stalled.equals(predicted)) {
      count.right++;
    } else {
      count.wrong.add(subject.dead() + " stalled " + stalled + ", predicted " + predicted);
      trial.say().accept(count.wrong.getLast());
    }
    guests.forEach(each -> each.manyPages(false));
    for (NanoGuest each : guests) {
      try {
        goesOn(trial, each, 1, subject.dead().toString());
      } catch (IllegalStateException e) {
        trial.cancellation().check();
        count.ends.add(subject.dead() + ": " + each.path());
        trial.say().accept(String.valueOf(e.getMessage()));
        return false;
      }
    }
    return true;
  }

  private static List<Swapper.Move> moves(List<NanoGuest> guests, String suffix) {
    List<Swapper.Move> moves = new ArrayList<>();
    for (NanoGuest guest : guests) {
      moves.add(new Swapper.Move(guest.path() + "/console", "console.host" + suffix, false));
      if (guest != guests.getLast()) {
        moves.add(new Swapper.Move(guest.path() + "/blk0", "virtio.blk" + suffix, false));
        moves.add(new Swapper.Move(guest.path() + "/store0", "store.file" + suffix, false));
      }
    }
    return moves;
  }

  private static void intoDomain0(Trial trial, List<NanoGuest> guests, Bundle domain0) {
    swap(trial, moves(guests, "#" + domain0.getBundleId()));
  }

  private static void outOfDomain0(Trial trial, List<NanoGuest> guests) {
    List<Swapper.Move> back = new ArrayList<>();
    for (Swapper.Move each : moves(guests, "")) {
      Bundle own = trial.bundle("duality." + each.server());
      back.add(
          new Swapper.Move(
              each.endpoint(), each.server() + "#" + (own == null ? 0 : own.getBundleId()), false));
    }
    swap(trial, back);
  }

  private static void swap(Trial trial, List<Swapper.Move> moves) {
    Swapper.Swap swap = trial.swapper().swapAll(moves);
    if (!swap.done()) {
      throw new CallFailed.ServerFailed("the back ends do not move: " + swap.outcome());
    }
  }
}
