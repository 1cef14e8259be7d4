package duality.shell.lab;

import duality.drivers.Console;
import duality.servers.Personality;
import duality.servers.TaskReport;
import duality.shell.command.CommandFailed;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Whether eight calls and a pool of buffers are enough for operating systems beside each other. */
final class NucleusExperiment implements Experiment {
  private static final String PATH = "task/lab-nucleus";
  private static final int JOBS = 6;
  private static final int CALLERS = 12;
  private static final long SECONDS = 300;

  @Override
  public String name() {
    return "nucleus";
  }

  @Override
  public String question() {
    return "Are four calls for messages and four for children enough to put any operating system on"
        + " top?";
  }

  @Override
  public String sources() {
    return "BH70; F02";
  }

  @Override
  public List<Prediction> predictions() {
    return List.of(
        new Prediction(
            "Brinch Hansen 1970",
            "a nucleus without policy: operating systems of different kinds run side by side, each"
                + " a process that parts its storage and buffers among its children; a message to a"
                + " removed process gets a dummy answer, and no buffer is lost"),
        new Prediction(
            "a sceptic",
            "a server that dies in the middle of a conversation leaves callers that wait for ever,"
                + " or buffers that nobody gives back"));
  }

  @Override
  public Result run(Trial trial) throws Exception {
    int rounds = 50 * trial.rounds();
    String words =
        "systems " + JOBS + " dummy " + CALLERS + " chaos " + rounds + " fault exchange " + rounds;
    Personality task =
        trial
            .root()
            .create(
                PATH,
                Personality.class,
                Map.of(
                    "server",
                    "personality.rc4000",
                    "file",
                    "systems",
                    "args",
                    Personality.list(List.of(words.split(" ")))));
    try {
      task.start();
      TaskReport report = await(trial, task);
      String said = trial.root().connect(PATH + "/console", Console.class).output(0, 1 << 16, 0);
      if (report.status() != 0) {
        throw new CommandFailed("it ended with status " + report.status() + ":\n" + said);
      }
      return result(report, said);
    } finally {
      trial.root().remove(PATH);
    }
  }

  private static TaskReport await(Trial trial, Personality task) throws CommandFailed {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    TaskReport report = task.await(100);
    while (!report.ended()) {
      trial.cancellation().check();
      if (System.nanoTime() - end > 0) {
        throw new CommandFailed("it does not end within " + SECONDS + " s");
      }
      report = task.await(100);
    }
    return report;
  }

  /** What comes out of what the program says. */
  static Result result(TaskReport report, String said) throws CommandFailed {
    List<Finding> findings = new ArrayList<>();
    Matcher batch = in(said, "batch, .*: (\\d+) of (\\d+) jobs right, (\\d+) starts, .* (\\d+)");
    findings.add(
        Finding.of(
            "batch, first in first out: jobs right, starts, order",
            "all, one start each, in order",
            batch.group(1) + ", " + batch.group(3) + ", " + batch.group(4),
            batch.group(1).equals(batch.group(2)) && batch.group(3).equals(batch.group(2))));
    Matcher robin = in(said, "robin, .*: (\\d+) of (\\d+) jobs right, (\\d+) starts, .* (\\d+)");
    findings.add(
        Finding.of(
            "round robin beside it: jobs right, starts, order",
            "all, in turns",
            robin.group(1) + ", " + robin.group(3) + ", " + robin.group(4),
            robin.group(1).equals(robin.group(2))
                && Integer.parseInt(robin.group(3)) > Integer.parseInt(robin.group(2))));
    Matcher dummy = in(said, "(\\d+) of (\\d+) callers");
    findings.add(
        Finding.of(
            "callers of a removed process that got a dummy answer",
            "all of " + dummy.group(2),
            dummy.group(1),
            dummy.group(1).equals(dummy.group(2))));
    Matcher chaos = in(said, "(\\d+) processes were made and removed; (\\d+) of (\\d+) buffers");
    findings.add(
        Finding.of(
            "buffers left after " + chaos.group(1) + " processes came and went in conversations",
            "all of " + chaos.group(3),
            chaos.group(2),
            chaos.group(2).equals(chaos.group(3))));
    Matcher exchange = in(said, "messages and answers, (\\d+) ns each");
    findings.add(
        Finding.figure(
            "a message and its answer (RC 4000: 1 to 2 ms, from memory)",
            exchange.group(1) + " ns"));
    Matcher control = in(said, "stop and remove: (\\d+) ns");
    findings.add(
        Finding.figure(
            "create, start, stop, remove (RC 4000: 63 ms, from memory)", control.group(1) + " ns"));
    findings.add(Finding.figure("calls of the nucleus in all", Long.toString(report.calls())));
    return new Result(
        findings,
        "The two policies share no line and the nucleus knows neither. With wait message and wait"
            + " answer alone a process cannot wait for both, so round robin needs a child that"
            + " turns its clock's answers into messages; the RC 4000 later got wait event for"
            + " that.");
  }

  private static Matcher in(String said, String pattern) throws CommandFailed {
    Matcher found = Pattern.compile(pattern).matcher(said);
    if (!found.find()) {
      throw new CommandFailed("it does not say '" + pattern + "':\n" + said);
    }
    return found;
  }
}
