package duality.shell.machine;

import duality.shell.command.CommandFailed;
import duality.shell.command.Invocation;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Host files as disks: checks them before a machine is made, when the error can still be clear. */
final class Disks {
  private static final String READ_ONLY = ",ro";
  private static final int MOST = 7;

  /** Option: which server keeps the disks. */
  static final String STORE = "--store";

  private Disks() {}

  /** The configuration of a machine for its {@code --disk} options. */
  static Map<String, String> config(Invocation call) throws CommandFailed {
    List<String> given = call.arguments().texts("--disk");
    if (given.isEmpty() && call.arguments().has(STORE)) {
      throw new CommandFailed(STORE + " goes with --disk only");
    }
    if (given.size() > MOST) {
      throw new CommandFailed(given.size() + " disks are more than the " + MOST + " of a machine");
    }
    Map<String, String> config = new LinkedHashMap<>();
    for (int i = 0; i < given.size(); i++) {
      String text = given.get(i);
      boolean readOnly = text.endsWith(READ_ONLY);
      String name = readOnly ? text.substring(0, text.length() - READ_ONLY.length()) : text;
      Path file = file(call.session().currentDir(), name);
      if (!Files.exists(file)) {
        throw new CommandFailed(
            "--disk: there is no file '"
                + name
                + "'; make one of the size wanted first, such as by"
                + " truncate -s 64M FILE");
      }
      if (!Files.isRegularFile(file)) {
        throw new CommandFailed("--disk: '" + name + "' is no ordinary file");
      }
      if (!Files.isReadable(file) || !readOnly && !Files.isWritable(file)) {
        throw new CommandFailed(
            "--disk: '"
                + name
                + "' cannot be "
                + (Files.isReadable(file)
                    ? "written; write " + name + ",ro to let the guest only read it"
                    : "read"));
      }
      if (file.toFile().length() == 0) {
        throw new CommandFailed(
            "--disk: '"
                + name
                + "' is empty; give it a size first, such as by truncate -s 64M FILE");
      }
      config.put("disk" + i, file + (readOnly ? READ_ONLY : ""));
      if (call.arguments().has(STORE)) {
        config.put("store" + i, call.arguments().text(STORE));
      }
    }
    return config;
  }

  private static Path file(Path folder, String name) throws CommandFailed {
    try {
      return folder.resolve(name).toAbsolutePath().normalize();
    } catch (InvalidPathException e) {
      throw new CommandFailed("--disk: '" + name + "' is no name of a file");
    }
  }
}
