package duality.guests.nano;

import duality.guests.Boot;
import duality.guests.GuestImage;
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
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/**
 * Offers nano, which comes with this bundle and so is always ready.
 *
 * <p>A boot names a file, so {@link #prepare} copies the image out of the bundle into the user's
 * cache folder, under a name that contains its hash: an older version that a machine still boots
 * from is never overwritten, and the file outlives this bundle.
 */
@Component
public final class Nano implements GuestImage {

  /** The image inside this bundle. */
  static final String RESOURCE = "/nano/nano.elf";

  private static final long MIB = 1024 * 1024;

  private final Path folder;

  /** Finds the cache folder: {@code duality.cache}, else the desktop's cache, else the home's. */
  @Activate
  public Nano(BundleContext context) {
    this(cacheFolder(context.getProperty("duality.cache"), System.getenv("XDG_CACHE_HOME")));
  }

  Nano(Path folder) {
    this.folder = folder;
  }

  private static Path cacheFolder(@Nullable String setting, @Nullable String desktop) {
    if (setting != null && !setting.isBlank()) {
      return Path.of(setting).resolve("nano");
    }
    Path cache =
        desktop != null && Path.of(desktop).isAbsolute()
            ? Path.of(desktop)
            : Path.of(System.getProperty("user.home"), ".cache");
    return cache.resolve("duality").resolve("nano");
  }

  @Override
  public String name() {
    return "nano";
  }

  @Override
  public String description() {
    return "a tiny operating system of our own: boots at once, answers a few commands";
  }

  @Override
  public boolean ready() {
    return true;
  }

  @Override
  public String howToGet() {
    return "";
  }

  @Override
  public Boot prepare(Progress progress) throws GuestUnavailable {
    Path kernel;
    try {
      kernel = unpack(progress);
    } catch (IOException failure) {
      throw new GuestUnavailable(
          Reason.STORAGE,
          "cannot unpack nano into " + folder,
          failure.toString(),
          "Set duality.cache to a folder that can be written",
          failure);
    }
    return new Boot(kernel, Optional.empty(), "", 64 * MIB, 8 * MIB, "nano: ready", false);
  }

  private Path unpack(Progress progress) throws IOException {
    byte[] image = image();
    Path file = folder.resolve("nano-" + hash(image) + ".elf");
    if (!Files.isRegularFile(file) || !Arrays.equals(image, Files.readAllBytes(file))) {
      Files.createDirectories(folder);
      // Another process may do the same at the same time; the move makes either copy appear whole.
      Path partial = Files.createTempFile(folder, "nano", ".part");
      try {
        Files.write(partial, image);
        Files.move(
            partial, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(partial);
      }
    }
    progress.step("unpacking nano", image.length, image.length);
    return file;
  }

  static byte[] image() throws IOException {
    try (InputStream stream = Nano.class.getResourceAsStream(RESOURCE)) {
      if (stream == null) {
        throw new IOException(RESOURCE + " is missing from the bundle");
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
