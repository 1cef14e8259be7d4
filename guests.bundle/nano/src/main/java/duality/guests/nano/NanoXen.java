package duality.guests.nano;

import duality.guests.Boot;
import duality.guests.GuestImage;
import duality.guests.GuestUnavailable;
import duality.guests.Progress;
import java.nio.file.Path;
import java.util.Optional;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/** Offers nano as it was ported to {@code vmm.xen}. */
@Component
public final class NanoXen implements GuestImage {
  private static final long MIB = 1024 * 1024;

  private final UnpackedImage image;

  /** Finds the cache folder as {@link Nano} does. */
  @Activate
  public NanoXen(BundleContext context) {
    this(Nano.cacheFolder(context.getProperty("duality.cache"), System.getenv("XDG_CACHE_HOME")));
  }

  NanoXen(Path folder) {
    image = new UnpackedImage("nano-xen", folder);
  }

  @Override
  public String name() {
    return "nano-xen";
  }

  @Override
  public String monitor() {
    return "vmm.xen";
  }

  @Override
  public String description() {
    return "nano as a kernel that knows its monitor, which is vmm.xen";
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
