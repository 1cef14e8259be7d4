package duality.shell.lab;

import duality.servers.Personality;
import duality.servers.Root;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A native program that works in rounds ({@code ops rounds}): for each line it computes, takes
 * fresh pages, reads its clock, and, if it has a disk, writes and reads it.
 */
final class NativeGuest extends TaskGuest {
  private static final long DISK_BYTES = 256 * 512;

  private final boolean hasDisk;

  /**
   * Makes one; nothing of it stays when that fails.
   *
   * @param program the static program {@code ops}
   * @param disk the image of its disk, or null for none
   */
  NativeGuest(Root root, String name, Path program, @Nullable Path disk) throws IOException {
    super(root, name, config(program, disk));
    hasDisk = disk != null;
  }

  private static Map<String, String> config(Path program, @Nullable Path disk) throws IOException {
    Map<String, String> config = new HashMap<>();
    config.put("file", program.toString());
    config.put("terminal", "true");
    List<String> words = new ArrayList<>(List.of("rounds"));
    if (disk != null) {
      try (RandomAccessFile file = new RandomAccessFile(disk.toFile(), "rw")) {
        file.setLength(DISK_BYTES);
      }
      config.put("disk", disk.toString());
      words.add("/dev/vda");
    }
    config.put("args", Personality.list(words));
    return config;
  }

  @Override
  String structure() {
    return "native";
  }

  @Override
  List<String> parts() {
    return hasDisk
        ? List.of("", "/pager", "/console", "/store")
        : List.of("", "/pager", "/console");
  }

  /** Touches so many fresh pages; what it says. Not beside {@link #begin}. */
  String take(int pages) {
    long from = console().position();
    String line = Integer.toString(pages);
    int typed = console().type(line + "\r");
    String seen = answered(from, BOOT_SECONDS);
    if (typed != line.length() + 1 || !answers(line, seen)) {
      throw new IllegalStateException(path() + " does not take pages: " + condition());
    }
    return seen;
  }

  @Override
  boolean answers(String command, String seen) {
    return seen.contains("done " + command + " pages");
  }
}
