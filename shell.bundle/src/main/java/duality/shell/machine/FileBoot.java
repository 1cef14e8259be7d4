package duality.shell.machine;

import duality.guests.Boot;
import duality.shell.command.Arguments;
import duality.shell.command.CommandFailed;
import duality.shell.command.Invocation;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/**
 * A boot from people's own files in place of an image.
 *
 * @param boot what the machine starts from; its kernel is the firmware when there is no other
 * @param kernel the kernel, if there is one
 * @param firmware the firmware's file, {@link #NONE} for a kernel that starts in M-mode itself, or
 *     empty for the monitor's own SBI
 * @param name for the machine and its image, when nobody says otherwise
 */
record FileBoot(Boot boot, Optional<Path> kernel, String firmware, String name) {
  static final String KERNEL = "--kernel";
  static final String FIRMWARE = "--firmware";
  static final String INITRD = "--initrd";
  static final String READY = "--ready";
  static final String NONE = "none";

  private static final long MEMORY = 512L << 20;
  private static final long LEAST_MEMORY = 4L << 20;

  /** Where memory starts: a kernel that is entered there has nothing below it. */
  private static final long MEMORY_BASE = 0x8000_0000L;

  private static final int ELF_MAGIC = 0x464c457f;
  private static final int ELF_ENTRY = 24;
  private static final int ELF_HEADER_BYTES = 64;

  /** Stands for the line that a guest is up with, when nobody said what it is. */
  private static final String UNKNOWN = "(vm:run --ready TEXT says which line)";

  /** Whether the call names files and no image. */
  static boolean asked(Arguments arguments) {
    return arguments.has(KERNEL) || arguments.has(FIRMWARE);
  }

  /** Checks that the words fit together and the files are there. */
  static FileBoot of(Invocation call) throws CommandFailed {
    Arguments arguments = call.arguments();
    if (arguments.has("IMAGE")) {
      throw new CommandFailed(
          "an image brings its own kernel: either "
              + arguments.text("IMAGE")
              + " or "
              + (arguments.has(KERNEL) ? KERNEL : FIRMWARE));
    }
    Optional<Path> kernel = file(call, KERNEL);
    String firmware = arguments.text(FIRMWARE, "");
    if (firmware.isEmpty()) {
      firmware = kernel.isPresent() && startsInMachineMode(kernel.get()) ? NONE : "";
    } else if (!firmware.equals(NONE)) {
      firmware = file(call, FIRMWARE).orElseThrow().toString();
    } else if (kernel.isEmpty()) {
      throw new CommandFailed("without firmware there has to be a " + KERNEL);
    }
    Path first = kernel.orElse(Path.of(firmware));
    String line = arguments.text("--cmdline", arguments.text("--append", ""));
    Boot boot =
        new Boot(
            first,
            file(call, INITRD),
            line,
            MEMORY,
            LEAST_MEMORY,
            arguments.text(READY, UNKNOWN),
            false);
    return new FileBoot(boot, kernel, firmware, name(first));
  }

  /** A machine's name made of a file's. */
  private static String name(Path file) {
    String name =
        String.valueOf(file.getFileName())
            .toLowerCase(Locale.ROOT)
            .replaceAll("[^a-z0-9]+", "-")
            .replaceAll("^[^a-z]+|-+$", "");
    return name.isEmpty() ? "machine" : name.substring(0, Math.min(24, name.length()));
  }

  private static Optional<Path> file(Invocation call, String option) throws CommandFailed {
    Optional<String> given = call.arguments().given(option);
    if (given.isEmpty()) {
      return Optional.empty();
    }
    try {
      Path file = call.session().currentDir().resolve(given.get()).toAbsolutePath().normalize();
      if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
        throw new CommandFailed(option + ": there is no file '" + given.get() + "' to read");
      }
      return Optional.of(file);
    } catch (InvalidPathException e) {
      throw new CommandFailed(option + ": '" + given.get() + "' is no name of a file");
    }
  }

  /** An ELF file that is entered where memory begins, as teaching systems are. */
  private static boolean startsInMachineMode(Path kernel) throws CommandFailed {
    try (InputStream in = Files.newInputStream(kernel)) {
      byte[] head = in.readNBytes(ELF_HEADER_BYTES);
      if (head.length < ELF_HEADER_BYTES) {
        return false;
      }
      ByteBuffer elf = ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN);
      return elf.getInt(0) == ELF_MAGIC && elf.getLong(ELF_ENTRY) == MEMORY_BASE;
    } catch (IOException e) {
      throw new CommandFailed(KERNEL + " cannot be read: " + e.getMessage());
    }
  }
}
