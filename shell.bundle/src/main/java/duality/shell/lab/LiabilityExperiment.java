package duality.shell.lab;

import duality.guests.Boot;
import duality.kernel.CallFailed;
import duality.shell.lab.Deaths.Death;
import duality.shell.lab.Deaths.Subject;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * Who depends on whom: servers die under working guests of each structure, and who stalls is
 * compared with what the capability graph said before.
 */
final class LiabilityExperiment implements Experiment {
  private static final int KILLS_A_GENERATION = 45;

  /**
   * So many windows of one death in a row are set aside, because the host was busy; then it counts.
   */
  private static final int MOST_ASIDE = 3;

  private static final int MOST_LOST_GENERATIONS = 3;
  private static final String RULE = "**";
  private static final String ALWAYS =
      String.join(", ", java.util.Collections.nCopies(10, "restart*100"));

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
            "in all structures those stall who use the dead one, and nobody else; the kernel"
                + " never; a domain that holds all back ends stops every guest, servers apart only"
                + " their own"),
        new Prediction(
            "kernel:liability",
            "exactly the guests from which a chain of callable capabilities leads to the dead one;"
                + " nobody for the scheduler, for which the core has a last resort"));
  }

  /** Deaths of one kind: how many, and in how many the prediction was right. */
  private static final class Count {
    int kills;
    int right;
    int stalled;
    int others;
    String wrong = "";
  }

  /** All that happened so far. */
  private static final class Book {
    final Map<String, Count> counts = new TreeMap<>();
    final List<String> ends = new ArrayList<>();
    final long begun = System.nanoTime();
    int kills;
    int right;
    int aside;
    int asideRight;
    int countedThough;
    int lost;
    int failedRounds;
    int survivors;
    double slowest = Double.POSITIVE_INFINITY;

    void add(Subject subject, Death death) {
      Count count = counts.computeIfAbsent(subject.name(), any -> new Count());
      kills++;
      count.kills++;
      count.stalled += death.predicted().size();
      count.others += death.guests() - death.predicted().size();
      survivors += death.guests() - death.predicted().size();
      failedRounds += death.failedRounds();
      slowest = Math.min(slowest, death.progress());
      if (death.asPredicted()) {
        right++;
        count.right++;
      } else if (count.wrong.isEmpty()) {
        count.wrong = "stalled " + death.stalled() + ", predicted " + death.predicted();
      }
    }

    String line(int of) {
      return String.format(
          Locale.ROOT,
          "%d of %d kills, %d as predicted, %d windows set aside, %d times a guest did not go on;"
              + " %.1f min",
          kills,
          of,
          right,
          aside,
          ends.size(),
          (System.nanoTime() - begun) / 60e9);
    }
  }

  @Override
  public Result run(Trial trial) throws Exception {
    Boot boot = trial.boot("nano");
    Book book = new Book();
    if (trial.program() == null) {
      trial.say().accept("no native programs without --file FOLDER/ops (it/src/programs/build.sh)");
    }
    trial.supervisor().rule(RULE, ALWAYS);
    try (HostWatch host = new HostWatch()) {
      for (int generation = 0; book.kills < trial.rounds(); generation++) {
        generation(trial, host, boot, generation, book);
      }
    } finally {
      trial.supervisor().rule(RULE, "");
    }
    return new Result(
        findings(trial, book),
        (book.right == book.kills
                ? "Who stalls is who can call the dead one, each time; guests outside that set went"
                    + " on. "
                : "The graph did not foresee all of it. ")
            + "A guest that does not use the dead server meanwhile would not have stalled: these"
            + " use all of theirs in each round.");
  }

  /** Kills servers of new guests until one does not work again. */
  private static void generation(Trial trial, HostWatch host, Boot boot, int generation, Book book)
      throws Exception {
    try (Deaths deaths = Deaths.of(trial, host, boot, generation)) {
      List<Subject> subjects = deaths.subjects();
      int aside = 0;
      for (int i = 0; i < KILLS_A_GENERATION && book.kills < trial.rounds(); ) {
        // Where the last generation ended, because one that ends early must not shift the shares.
        Subject subject = subjects.get(book.kills % subjects.size());
        Death death = deaths.kill(subject);
        if (death.disturbed() && aside < MOST_ASIDE) {
          aside++;
          book.aside++;
          book.asideRight += death.asPredicted() ? 1 : 0;
        } else if (death.measured()) {
          book.countedThough += death.disturbed() ? 1 : 0;
          aside = 0;
          i++;
          book.add(subject, death);
          if (!death.asPredicted()) {
            trial
                .say()
                .accept(
                    subject.name()
                        + " stalled "
                        + death.stalled()
                        + ", predicted "
                        + death.predicted());
          }
          if (book.kills % 10 == 0) {
            trial.say().accept(book.line(trial.rounds()));
          }
        }
        if (!death.ended().isEmpty()) {
          book.ends.add(subject.name() + ": " + death.ended());
          trial.say().accept(death.ended());
          return; // the others get new guests
        }
      }
    } catch (IllegalStateException | CallFailed e) {
      trial.cancellation().check();
      book.lost++;
      trial.say().accept("these guests are given up: " + e.getMessage());
      if (book.lost > MOST_LOST_GENERATIONS) {
        throw e;
      }
    }
  }

  private static List<Finding> findings(Trial trial, Book book) {
    List<Finding> findings = new ArrayList<>();
    Map<String, int[]> structures = new LinkedHashMap<>();
    book.counts.forEach(
        (name, count) -> {
          int[] sum = structures.computeIfAbsent(name.replaceFirst(":.*", ""), any -> new int[2]);
          sum[0] += count.kills;
          sum[1] += count.right;
          findings.add(
              Finding.of(
                  "death of " + name,
                  count.stalled + " guests stall, " + count.others + " go on, over all kills",
                  count.right
                      + " of "
                      + count.kills
                      + " kills as predicted"
                      + (count.wrong.isEmpty() ? "" : "; not: " + count.wrong),
                  count.right == count.kills));
        });
    structures.forEach(
        (structure, sum) ->
            findings.add(
                Finding.of(
                    structure.equals(Deaths.SHARED)
                        ? "servers that all structures share"
                        : "servers of guests on " + structure,
                    sum[0] + " predictions right",
                    sum[1] + " of " + sum[0] + " right",
                    sum[0] == sum[1])));
    findings.add(
        Finding.of(
            "all",
            book.kills + " predictions right",
            book.right + " of " + book.kills + " right",
            book.right == book.kills));
    findings.add(
        Finding.of(
            "rounds of guests outside the set that failed while the server was dead",
            "0 of " + book.survivors + " guests",
            Integer.toString(book.failedRounds),
            book.failedRounds == 0));
    if (book.survivors > 0) {
      findings.add(
          Finding.figure(
              "progress of the slowest of them in that time, beside before",
              String.format(Locale.ROOT, "%.2f", book.slowest)));
    }
    findings.add(
        Finding.of(
            "guests at work again after it was mended",
            "after each of " + book.kills + " kills",
            (book.kills - book.ends.size())
                + " of "
                + book.kills
                + (book.ends.isEmpty() ? "" : "; not: " + book.ends.getFirst()),
            book.ends.isEmpty()));
    findings.add(
        Finding.of(
            "generations of guests that were given up",
            "0",
            Integer.toString(book.lost),
            book.lost == 0));
    findings.add(
        Finding.figure(
            "windows set aside, because the host gave the processors to others",
            book.aside
                + ", "
                + book.asideRight
                + " of them as predicted; "
                + book.countedThough
                + " more, where it did not end, counted"));
    if (trial.program() == null) {
      findings.add(Finding.figure("native programs", "left out: no --file"));
    }
    return findings;
  }
}
