package duality.fuzz;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Inputs that were kept, one a line in hexadecimal digits. Each target has a file of those that
 * once brought something to harm, {@code TARGET.found.txt}, and one of those that together reach
 * what is known to be reached, {@code TARGET.txt}.
 */
final class Corpus {
  private Corpus() {}

  /** What is kept in the sources. */
  static List<byte[]> of(String target) throws IOException {
    List<byte[]> all = new ArrayList<>();
    for (String file : List.of(target + ".found.txt", target + ".txt")) {
      try (InputStream in = Corpus.class.getResourceAsStream(file)) {
        if (in != null) {
          all.addAll(parse(new String(in.readAllBytes(), StandardCharsets.US_ASCII), file));
        }
      }
    }
    return all;
  }

  /** What is kept in a folder. */
  static List<byte[]> of(String target, Path folder) throws IOException {
    Path file = folder.resolve(target + ".txt");
    return Files.exists(file) ? parse(Files.readString(file), file) : List.of();
  }

  private static List<byte[]> parse(String text, Object from) {
    return text.lines()
        .filter(line -> !line.isBlank() && line.charAt(0) != '#')
        .map(line -> parseLine(line, from))
        .toList();
  }

  private static byte[] parseLine(String line, Object from) {
    try {
      return HexFormat.of().parseHex(line);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          from + " has a line that is no input, two digits a byte: " + line, e);
    }
  }

  /** Writes a target's file, each input once; answers its bytes. */
  static long save(String target, Path folder, Collection<byte[]> inputs) throws IOException {
    Set<String> lines = new LinkedHashSet<>();
    inputs.forEach(each -> lines.add(HexFormat.of().formatHex(each)));
    Files.createDirectories(folder);
    Path file = folder.resolve(target + ".txt");
    Files.write(file, lines);
    return Files.size(file);
  }
}
