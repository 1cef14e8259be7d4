package duality.fuzz;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;

/** Inputs that were kept, one a line in hexadecimal digits; a file for each target. */
final class Corpus {
  private Corpus() {}

  static List<byte[]> of(String target) throws IOException {
    try (InputStream in = Corpus.class.getResourceAsStream(target + ".txt")) {
      return in == null
          ? List.of()
          : new String(in.readAllBytes(), StandardCharsets.US_ASCII)
              .lines()
              .filter(line -> !line.isBlank() && line.charAt(0) != '#')
              .map(HexFormat.of()::parseHex)
              .toList();
    }
  }
}
