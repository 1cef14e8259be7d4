package duality.guests.nano;

import duality.guests.Boot;
import duality.guests.GuestImage;
import duality.guests.GuestUnavailable;
import duality.guests.Progress;
import java.nio.file.Path;
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

  private static final long MIB = 1024 * 1024;

  private final UnpackedImage image;

  /** Finds the cache folder: {@code duality.cache}, else the desktop's cache, else the home's. */
  @Activate
  public Nano(BundleContext context) {
    this(cacheFolder(context.getProperty("duality.cache"), System.getenv("XDG_CACHE_HOME")));
  }

  Nano(Path folder) {
    image = new UnpackedImage("nano", folder);
  }

  static Path cacheFolder(@Nullable String setting, @Nullable String desktop) {
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
    return new Boot(
        image.file(progress), Optional.empty(), "", 64 * MIB, 8 * MIB, "nano: ready", false);
  }
}
