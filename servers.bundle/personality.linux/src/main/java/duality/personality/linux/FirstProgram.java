package duality.personality.linux;

import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.servers.Personality;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Makes process 1: the program that the endpoint is configured with, from a file of the host. */
final class FirstProgram {
  private static final long MOST_FILE_BYTES = 1L << 28;
  private static final String BUSYBOX = "busybox";

  private final Context context;
  private final Linux linux;
  private final String file;

  FirstProgram(Context context, Linux linux) {
    this.context = context;
    this.linux = linux;
    this.file = context.config("file", "");
  }

  /**
   * Makes the file system and the process; its thread is still suspended.
   *
   * @throws CallFailed.BadRequest when the program cannot be run
   */
  void load() {
    try {
      byte[] bytes = read();
      Process init = linux.put(1, linux.slot(0));
      linux.lastPid = 1;
      linux.files().fill(init, linux.disk().sizeBytes());
      String name = String.valueOf(Path.of(file).getFileName());
      install(init, "/bin/" + latin(name), bytes);
      if (name.equals(BUSYBOX)) {
        linkApplets(init);
      }
      openStandardFiles(init);
      List<String> arguments = new ArrayList<>(List.of("/bin/" + latin(name)));
      Personality.texts(context.config("args", "")).forEach(each -> arguments.add(latin(each)));
      List<String> environment =
          Personality.texts(context.config("environment", "")).stream()
              .map(FirstProgram::latin)
              .toList();
      init.listen();
      new ProcessCalls(linux).load(init, arguments.getFirst(), arguments, environment);
    } catch (Elf.Malformed | IOException e) {
      throw refused(e.getMessage());
    } catch (Failed e) {
      throw refused(
          e.errno() == Errno.ENOSPC || e.errno() == Errno.EFBIG || e.errno() == Errno.ENOMEM
              ? "there is no room for it in its memory"
              : "error " + e.errno());
    } catch (IllegalArgumentException e) {
      throw new CallFailed.BadRequest("'" + file + "' is no name of a file: " + e.getMessage());
    }
    if (linux.init().hasEnded()) {
      throw refused(linux.init().reason());
    }
  }

  private CallFailed.BadRequest refused(@Nullable String why) {
    return new CallFailed.BadRequest("'" + file + "' cannot be run: " + why);
  }

  private byte[] read() throws IOException, Elf.Malformed {
    Path path = Path.of(file);
    if (!Files.isRegularFile(path) || Files.size(path) > MOST_FILE_BYTES) {
      throw new Elf.Malformed("it is no file, or one of more than 256 MiB");
    }
    byte[] bytes = Files.readAllBytes(path);
    Elf.read(bytes);
    return bytes;
  }

  /** Text as the bytes that programs see, one character each. */
  private static String latin(String text) {
    return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
  }

  private void install(Process init, String path, byte[] bytes) throws Failed {
    RegularFile made =
        linux.files().makeFile(linux.files().find(init, linux.files().root(), path, false), 0755);
    if (made.write(0, bytes, bytes.length, linux.seconds()) < bytes.length) {
      throw new Failed(Errno.ENOSPC);
    }
  }

  /** busybox is one program under many names. */
  private void linkApplets(Process init) throws Failed, IOException {
    try (InputStream names = FirstProgram.class.getResourceAsStream("applets")) {
      if (names == null) {
        throw new IOException("the list of busybox's names is missing");
      }
      String all = new String(names.readAllBytes(), StandardCharsets.US_ASCII);
      for (String name : all.split("\\s+")) {
        linux
            .files()
            .makeLink(
                linux.files().find(init, linux.files().root(), "/bin/" + name, false), BUSYBOX);
      }
    }
  }

  /** Standard input, output and error: the terminal, or an empty input and a pipe. */
  private void openStandardFiles(Process init) throws Failed {
    Terminal terminal = linux.terminal();
    if (terminal.interactive()) {
      terminal.size(number("rows", 24), number("columns", 80));
      Node node = linux.files().find(init, linux.files().root(), "/dev/tty", false).needed();
      OpenFile open = new TerminalFile(terminal, node, 2);
      for (int i = 0; i < 3; i++) {
        init.files().put(i, open, false);
      }
      return;
    }
    terminal.feed(context.config("input", ""));
    for (int i = 0; i < 3; i++) {
      int flags = i == 0 ? OpenFile.READ_ONLY : OpenFile.WRITE_ONLY;
      init.files().put(i, new TerminalFile(terminal, linux.files().pipe(), flags), false);
    }
  }

  private int number(String key, int otherwise) {
    try {
      int given = Integer.parseInt(context.config(key, Integer.toString(otherwise)));
      return given < 1 || given > 10_000 ? otherwise : given;
    } catch (NumberFormatException e) {
      return otherwise;
    }
  }
}
