package duality.guests.nano;

import duality.guests.GuestUnavailable;
import duality.guests.GuestUnavailable.Reason;
import duality.guests.Progress;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;

/** An image in this bundle, and the file in the cache folder that is a copy of it. */
final class UnpackedImage {
  private final String name;
  private final Path folder;

  /**
   * Of one image.
   *
   * @param name of it, without its end
   * @param folder where the file goes
   */
  UnpackedImage(String name, Path folder) {
    this.name = name;
    this.folder = folder;
  }

  /** The file, made when it is not there or damaged. */
  Path file(Progress progress) throws GuestUnavailable {
    try {
      return unpack(progress);
    } catch (IOException failure) {
      throw new GuestUnavailable(
          Reason.STORAGE,
          "cannot unpack " + name + " into " + folder,
          failure.toString(),
          "Set duality.cache to a folder that can be written",
          failure);
    }
  }

  private Path unpack(Progress progress) throws IOException {
    byte[] image = bytes();
    Path file = folder.resolve(name + "-" + hash(image) + ".elf");
    if (!Files.isRegularFile(file) || !Arrays.equals(image, Files.readAllBytes(file))) {
      Files.createDirectories(folder);
      // Another process may do the same at the same time; the move makes either copy appear whole.
      Path partial = Files.createTempFile(folder, name, ".part");
      try {
        Files.write(partial, image);
        Files.move(
            partial, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(partial);
      }
    }
    progress.step("unpacking " + name, image.length, image.length);
    return file;
  }

  /** The image itself. */
  byte[] bytes() throws IOException {
    String resource = "/nano/" + name + ".elf";
    try (InputStream stream = UnpackedImage.class.getResourceAsStream(resource)) {
      if (stream == null) {
        throw new IOException(resource + " is missing from the bundle");
      }
      return stream.readAllBytes();
    }
  }

  private static String hash(byte[] bytes) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes);
      return HexFormat.of().formatHex(digest, 0, 8);
    } catch (NoSuchAlgorithmException impossible) {
      throw new AssertionError("every Java platform has SHA-256", impossible);
    }
  }
}
