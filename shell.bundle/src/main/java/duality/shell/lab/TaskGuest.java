package duality.shell.lab;

import duality.drivers.Console;
import duality.servers.Personality;
import duality.servers.Root;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A guest without a machine: a task of a personality, which works a round for each line that says
 * how many fresh pages it is to take.
 */
abstract class TaskGuest extends WorkingGuest {
  static final long BOOT_SECONDS = 60;
  private static final long MEMORY_BYTES = 512L << 20;

  private final Console console;
  private final Personality task;

  /** Makes one; nothing of it stays when that fails. */
  TaskGuest(Root root, String name, Map<String, String> config) {
    super(root, "task/" + name);
    Map<String, String> all = new HashMap<>(config);
    all.put("memory", Long.toString(MEMORY_BYTES));
    task = root.create(path(), Personality.class, all);
    console = root.connect(path() + "/console", Console.class);
  }

  @Override
  final void boot() {
    task.start();
    if (answered(0, BOOT_SECONDS).isEmpty()) {
      throw new IllegalStateException(path() + " does not start: " + task.report());
    }
  }

  @Override
  final Console console() {
    return console;
  }

  @Override
  final List<String> commands(int freshPages) {
    return List.of(Integer.toString(freshPages));
  }

  @Override
  final String state() {
    return task.report().state();
  }
}
