package duality.swapper;

import duality.kernel.CallFailed;
import duality.kernel.Kernel;
import duality.kernel.ServerReport;
import duality.servers.Swapper.Move;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.startlevel.BundleStartLevel;

/** One bundle of an update: the one that is there, and the one that stands beside it. */
final class Replacement {
  private static final AtomicLong INSTALLED = new AtomicLong();

  final Bundle old;
  private final @Nullable Path file;
  private volatile @Nullable Bundle fresh;

  /**
   * A bundle and its successor.
   *
   * @param file what to install; null for the same once more, wired anew
   */
  Replacement(Bundle old, @Nullable Path file) {
    this.old = old;
    this.file = file;
  }

  /** Whether it is only wired anew. */
  boolean isCopy() {
    return file == null;
  }

  /** Installs the successor, with the start level of the one that is there. */
  void install(BundleContext system) throws IOException, BundleException {
    Path from = file == null ? PreviousVersions.copy(system, old) : file;
    Bundle next;
    try (InputStream in = Files.newInputStream(from)) {
      next = system.installBundle("update:" + INSTALLED.incrementAndGet() + ":" + from, in);
    }
    fresh = next;
    BundleStartLevel level = old.adapt(BundleStartLevel.class);
    BundleStartLevel freshLevel = next.adapt(BundleStartLevel.class);
    if (level != null && freshLevel != null) {
      freshLevel.setStartLevel(level.getStartLevel());
    }
  }

  /** The successor, once it is installed. */
  Bundle fresh() {
    Bundle next = fresh;
    if (next == null) {
      throw new CallFailed.BadRequest("no successor of " + name(old) + " is installed");
    }
    return next;
  }

  void start() throws BundleException {
    fresh().start();
  }

  /** The servers of the one that is there, and of its successor what shall serve in their place. */
  List<Move> moves(Kernel kernel) {
    return servers(kernel, old).stream()
        .flatMap(server -> server.endpoints().stream().map(path -> move(server, path)))
        .distinct()
        .toList();
  }

  private Move move(ServerReport server, String path) {
    String exact = Targets.exactName(server);
    boolean engine = server.protocols().equals(List.of("Engine"));
    return new Move(
        engine ? Targets.ENGINE : path,
        exact.substring(0, exact.indexOf('#') + 1) + fresh().getBundleId());
  }

  static List<ServerReport> servers(Kernel kernel, Bundle bundle) {
    return kernel.servers().stream()
        .filter(each -> each.bundleId() == bundle.getBundleId())
        .toList();
  }

  /** Takes out the one that is there, or its successor. */
  void uninstall(boolean theOld) {
    Bundle goes = theOld ? old : fresh;
    if (goes == null || goes.getState() == Bundle.UNINSTALLED) {
      return;
    }
    try {
      goes.uninstall();
    } catch (BundleException e) {
      throw new CallFailed.BadRequest(
          "bundle " + goes.getBundleId() + " is not uninstalled: " + e.getMessage());
    }
  }

  static String name(Bundle bundle) {
    return bundle.getSymbolicName() + " " + bundle.getVersion();
  }
}
