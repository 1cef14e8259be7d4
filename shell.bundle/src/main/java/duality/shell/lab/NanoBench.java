package duality.shell.lab;

import duality.shell.command.CommandFailed;
import java.util.List;

/** nano on one of the monitors, ported to the one that wants that. It has no shell that forks. */
final class NanoBench implements Workbench {
  private final NanoGuest guest;
  private final boolean gate;

  /**
   * Boots it.
   *
   * @param gate whether its system calls go beside the monitor, which only {@code vmm.xen} can
   */
  NanoBench(Trial trial, String monitor, boolean gate) throws Exception {
    this.gate = gate;
    String name = "curve-nano-" + monitor.replace('.', '-') + (gate ? "-gate" : "");
    guest = NanoGuest.on(trial, monitor, name, trial.folder().resolve(name));
    try {
      guest.boot();
      if (gate) {
        expect("gate on", guest.command("gate on"));
      }
    } catch (Exception e) {
      close();
      throw e;
    }
  }

  @Override
  public String structure() {
    return "nano/" + guest.structure() + (gate ? "+gate" : "");
  }

  @Override
  public List<String> endpoints() {
    return guest.parts().stream().map(guest.path()::concat).toList();
  }

  @Override
  public List<String> handlers() {
    return List.of(guest.path());
  }

  /** The gate changes nothing of all else. */
  @Override
  public boolean can(Kind kind) {
    return switch (kind) {
      case NOTHING, NULL_CALL -> true;
      case SCRIPT -> false;
      case COPY, TABLES -> !gate;
    };
  }

  @Override
  public void run(Work work) throws Exception {
    String word =
        switch (work.kind()) {
          case NOTHING -> "";
          case NULL_CALL -> "null";
          case COPY -> "copy";
          case TABLES -> "map";
          case SCRIPT -> throw new IllegalArgumentException(work + " needs a shell that forks");
        };
    if (word.isEmpty()) {
      expect("done", guest.command("echo done"));
    } else {
      expect(word + ": ", guest.command("op " + word + " " + work.operations()));
    }
  }

  private static void expect(String text, String said) throws CommandFailed {
    if (!said.startsWith(text)) {
      throw new CommandFailed("nano says: " + said);
    }
  }

  @Override
  public void close() {
    guest.close();
  }
}
