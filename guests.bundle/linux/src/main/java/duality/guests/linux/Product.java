package duality.guests.linux;

import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Optional;
import java.util.Properties;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What was taken out of Debian's packages, in a folder of the cache: {@code Image}, {@code
 * busybox}, {@code modules/} and a description.
 *
 * @param folder where it is
 * @param release of the kernel, as {@code uname -r} prints it
 * @param debian version of the distribution
 * @param date of the release file
 * @param indexSha256 hash of the index of packages it comes from
 * @param imageBytes size of the kernel
 */
record Product(
    Path folder, String release, String debian, Instant date, String indexSha256, long imageBytes) {

  private static final String DESCRIPTION = "product.properties";

  Path kernel() {
    return folder.resolve("Image");
  }

  Path busybox() {
    return folder.resolve("busybox");
  }

  /** The modules' files by name. */
  SortedMap<String, byte[]> modules() throws IOException {
    SortedMap<String, byte[]> modules = new TreeMap<>();
    try (var files = Files.newDirectoryStream(folder.resolve("modules"), "*.ko")) {
      for (Path file : files) {
        modules.put(String.valueOf(file.getFileName()), Files.readAllBytes(file));
      }
    }
    return modules;
  }

  /** Reads the description in a folder; empty when it is not there or not complete. */
  static Optional<Product> in(Path folder) {
    Properties text = new Properties();
    try {
      text.load(new StringReader(Files.readString(folder.resolve(DESCRIPTION))));
      Product product =
          new Product(
              folder,
              text.getProperty("release", ""),
              text.getProperty("debian", ""),
              Instant.parse(text.getProperty("date", "")),
              text.getProperty("index.sha256", ""),
              Long.parseLong(text.getProperty("image.bytes", "")));
      boolean complete =
          Files.size(product.kernel()) == product.imageBytes()
              && Files.size(product.busybox()) > 0
              && Files.isDirectory(folder.resolve("modules"));
      return complete ? Optional.of(product) : Optional.empty();
    } catch (IOException | IllegalArgumentException | DateTimeException e) {
      return Optional.empty();
    }
  }

  /** Writes the description, the last thing that makes a folder a product. */
  void describe() throws IOException {
    Files.writeString(
        folder.resolve(DESCRIPTION),
        String.join(
            "\n",
            "release=" + release,
            "debian=" + debian,
            "date=" + date,
            "index.sha256=" + indexSha256,
            "image.bytes=" + imageBytes,
            ""));
  }

  /** The same product in another place. */
  Product at(Path place) {
    return new Product(place, release, debian, date, indexSha256, imageBytes);
  }
}
