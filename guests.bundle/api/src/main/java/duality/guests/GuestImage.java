package duality.guests;

import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * A system that a machine can boot. Registered as an OSGi service by the bundle that knows how to
 * get or build it.
 *
 * <p><em>Concurrency:</em> all methods may be called by several threads at once, and by several
 * processes that share a cache. {@link #prepare} and {@link #fetch} may take minutes, do file and
 * network input and output on the calling thread, and stop with {@link
 * GuestUnavailable.Reason#CANCELLED} when that thread is interrupted. The others return at once.
 *
 * <p><em>After a swap:</em> nothing survives but the cache on disk. A {@link Boot} handed out stays
 * valid, because the files that it names are never changed once written.
 */
@ConsumerType
public interface GuestImage {

  /** The name people type, for instance {@code linux}: lower-case letters, digits and dashes. */
  String name();

  /** One line about what this guest is. */
  String description();

  /**
   * The monitor for which this image is written, such as {@code vmm.xen}; empty when it is written
   * for the machine, whoever runs it. An image {@code a-b} of that kind is what {@code a} is on
   * that monitor.
   */
  default String monitor() {
    return "";
  }

  /** Whether {@link #prepare} needs no network: the image is built in or in the cache. */
  boolean ready();

  /**
   * One line that tells a person how to make this guest ready and what it costs, for instance how
   * much is downloaded. Empty when nothing has to be done ever.
   */
  String howToGet();

  /**
   * Makes the image ready to boot, downloading and building what is missing.
   *
   * @param progress told about each step, on the calling thread
   * @return files and settings of a boot
   * @throws GuestUnavailable when the image is not there and cannot be got
   */
  Boot prepare(Progress progress) throws GuestUnavailable;

  /**
   * Looks for a newer version and gets it, even when an older one is in the cache. Guests that are
   * built in have nothing to look for and just {@linkplain #prepare prepare}.
   *
   * @param mirror where to download from instead of the configured place
   * @param progress told about each step, on the calling thread
   * @return files and settings of a boot of the newest version
   * @throws GuestUnavailable when it cannot be got; what was in the cache stays usable
   */
  default Boot fetch(Optional<URI> mirror, Progress progress) throws GuestUnavailable {
    return prepare(progress);
  }

  /**
   * A native program that came with this image, such as {@code busybox}: a file that is never
   * changed. Nothing when the image has none of that name, or was not fetched yet.
   */
  default Optional<Path> program(String name) {
    return Optional.empty();
  }
}
