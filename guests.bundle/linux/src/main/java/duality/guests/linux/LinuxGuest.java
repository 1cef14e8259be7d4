package duality.guests.linux;

import duality.guests.Boot;
import duality.guests.GuestImage;
import duality.guests.GuestUnavailable;
import duality.guests.Progress;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** Debian's kernel for riscv64 with busybox around it, as a guest. */
@Component(service = GuestImage.class, configurationPid = "duality.guests.linux")
@Designate(ocd = LinuxGuest.Settings.class)
public final class LinuxGuest implements GuestImage {

  /** What can be configured. */
  @ObjectClassDefinition(
      name = "Guest linux",
      description = "Where Debian's kernel comes from and how it is started")
  @interface Settings {

    @AttributeDefinition(description = "suite of Debian, by its name")
    String suite() default "trixie";

    @AttributeDefinition(
        description = "address of a mirror of Debian; empty: the one that this host's apt uses")
    String mirror() default "";

    @AttributeDefinition(
        description = "folder of the cache; empty: duality/linux in the user's cache folder")
    String cache() default "";

    @AttributeDefinition(
        description = "file of OpenPGP keys to believe besides the built-in ones and apt's")
    String keyring() default "";

    @AttributeDefinition(description = "command line of the kernel")
    String commandLine() default "console=ttyS0 quiet cryptomgr.notests";

    @AttributeDefinition(description = "memory of a machine in MiB when nobody says otherwise")
    int memoryMiB() default 512;
  }

  private static final long MINIMUM_MIB = 128;

  private static final Path APT = Path.of("/etc/apt");

  private static final List<Path> KEYRINGS =
      List.of(
          Path.of("/usr/share/keyrings/debian-archive-keyring.gpg"),
          Path.of("/usr/share/keyrings/debian-archive-keyring.pgp"));

  private final Settings settings;
  private final ImageCache cache;

  /** Takes the settings; touches neither files nor network. */
  @Activate
  public LinuxGuest(Settings settings) {
    this.settings = settings;
    Path folder =
        settings.cache().isEmpty()
            ? ImageCache.userFolder(System.getenv(), System.getProperty("user.home", "/"))
                .resolve("linux")
            : Path.of(settings.cache());
    this.cache = new ImageCache(folder.resolve(settings.suite()));
  }

  @Override
  public String name() {
    return "linux";
  }

  @Override
  public String description() {
    return "Debian "
        + cache
            .current()
            .map(product -> product.debian() + ", Linux " + product.release())
            .orElse(settings.suite())
        + ", busybox";
  }

  @Override
  public boolean ready() {
    return cache.current().isPresent();
  }

  @Override
  public String howToGet() {
    return "guest:fetch linux downloads about 122 MB from a Debian mirror, once; 54 MB are kept in "
        + cache.folder();
  }

  @Override
  public Optional<Path> program(String name) {
    return name.equals("busybox") ? cache.current().map(Product::busybox) : Optional.empty();
  }

  @Override
  public Boot prepare(Progress progress) throws GuestUnavailable {
    Optional<Product> current = cache.current();
    return boot(current.isPresent() ? current.get() : get(Optional.empty(), false, progress));
  }

  @Override
  public Boot fetch(Optional<URI> mirror, Progress progress) throws GuestUnavailable {
    return boot(get(mirror, true, progress));
  }

  private Product get(Optional<URI> mirror, boolean newest, Progress progress)
      throws GuestUnavailable {
    try (ImageCache.Lock _ = cache.lock(progress)) {
      Optional<Product> current = cache.current();
      if (!newest && current.isPresent()) {
        // Another process got it while this one waited.
        return current.get();
      }
      List<Path> keyrings = new ArrayList<>(KEYRINGS);
      keyrings.addAll(AptSources.debianKeyrings(APT));
      List<URI> mirrors =
          mirror
              .map(List::of)
              .or(
                  () ->
                      settings.mirror().isEmpty()
                          ? Optional.empty()
                          : Optional.of(List.of(URI.create(settings.mirror()))))
              .orElseGet(() -> AptSources.debianMirrors(APT));
      return new DebianFetch(
              cache,
              settings.suite(),
              keyrings,
              Optional.of(settings.keyring()).filter(file -> !file.isEmpty()).map(Path::of),
              AptSettings.ofThisHost(),
              progress)
          .fetch(mirrors);
    } catch (IOException | InterruptedException e) {
      throw e instanceof IOException io && !Thread.currentThread().isInterrupted()
          ? Failures.storage("Linux cannot be kept", io)
          : Failures.explain("Linux cannot be had", "", e);
    }
  }

  private Boot boot(Product product) throws GuestUnavailable {
    try {
      Optional<byte[]> agent = Initramfs.builtInAgent();
      Initramfs initramfs =
          new Initramfs(
              product.release(), Files.readAllBytes(product.busybox()), product.modules(), agent);
      Path file = product.folder().resolve("initramfs-" + initramfs.key() + ".cpio");
      if (!Files.exists(file)) {
        ImageCache.write(file, initramfs.bytes());
        ImageCache.removeOldInitramfs(product.folder(), file);
      }
      long mib = 1L << 20;
      return new Boot(
          product.kernel(),
          Optional.of(file),
          settings.commandLine(),
          Math.max(settings.memoryMiB(), MINIMUM_MIB) * mib,
          MINIMUM_MIB * mib,
          "duality: ready",
          agent.isPresent());
    } catch (MalformedPackage e) {
      throw new GuestUnavailable(
          GuestUnavailable.Reason.MALFORMED,
          "the initial RAM disk cannot be made",
          e.getMessage() + " in " + product.folder(),
          "Remove that folder and run guest:fetch linux",
          e);
    } catch (IOException e) {
      throw Failures.storage("the initial RAM disk cannot be made", e);
    }
  }
}
