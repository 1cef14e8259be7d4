package duality.shell.lab;

import duality.drivers.Console;
import duality.servers.Personality;
import duality.servers.Root;
import java.util.List;
import java.util.Map;

/**
 * A process of the RC 4000's nucleus that works in rounds ({@code systems rounds}): for each line
 * it computes, takes fresh pages, talks to its child and to the clock.
 */
final class NucleusGuest extends WorkingGuest {
  private static final long MEMORY_BYTES = 512L << 20;
  private static final long BOOT_SECONDS = 60;

  private final Console console;
  private final Personality task;

  NucleusGuest(Root root, String name) {
    super(root, "task/" + name);
    task =
        root.create(
            path(),
            Personality.class,
            Map.of(
                "server",
                "personality.rc4000",
                "file",
                "systems",
                "memory",
                Long.toString(MEMORY_BYTES),
                "args",
                Personality.list(List.of("rounds"))));
    console = root.connect(path() + "/console", Console.class);
  }

  @Override
  String structure() {
    return "nucleus";
  }

  @Override
  List<String> parts() {
    return List.of("", "/pager", "/console");
  }

  @Override
  void boot() {
    task.start();
    if (answered(0, BOOT_SECONDS).isEmpty()) {
      throw new IllegalStateException(path() + " does not start: " + task.report());
    }
  }

  @Override
  Console console() {
    return console;
  }

  @Override
  List<String> commands(int freshPages) {
    return List.of(Integer.toString(freshPages));
  }

  @Override
  boolean answers(String command, String seen) {
    return seen.contains("done " + command + " pages") && !seen.contains("NOT");
  }

  @Override
  String state() {
    return task.report().state();
  }
}
