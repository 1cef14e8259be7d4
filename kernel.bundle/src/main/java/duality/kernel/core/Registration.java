package duality.kernel.core;

import duality.kernel.Server;
import java.util.Comparator;
import java.util.List;
import org.osgi.framework.Version;

/**
 * A server that is there to be opened.
 *
 * @param name its name; several registrations may have it, of several versions of a bundle
 * @param protocols fully qualified names of the protocols that it serves
 * @param bundle symbolic name and version of its bundle
 * @param version version of its bundle
 * @param bundleId number of its bundle
 * @param loadClasses initialises all classes of its bundle
 */
record Registration(
    String name,
    List<String> protocols,
    Server server,
    String bundle,
    Version version,
    long bundleId,
    Runnable loadClasses) {
  /** What stands between a name and the number of a bundle in {@code scheduler.fair#12}. */
  static final char EXACTLY = '#';

  /** The order in which a name means one of them: highest version, then newest bundle. */
  static final Comparator<Registration> BEST_FIRST =
      Comparator.comparing(Registration::version)
          .thenComparingLong(Registration::bundleId)
          .reversed();

  /** The name that means this one and no other: {@code scheduler.fair#12}. */
  String exactName() {
    return name + EXACTLY + bundleId;
  }

  /** The part of a server's name before the number of a bundle. */
  static String nameOf(String server) {
    int exactly = server.indexOf(EXACTLY);
    return exactly < 0 ? server : server.substring(0, exactly);
  }
}
