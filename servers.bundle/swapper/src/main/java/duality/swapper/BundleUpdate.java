package duality.swapper;

import duality.kernel.CallFailed;
import duality.kernel.Kernel;
import duality.kernel.ServerReport;
import duality.servers.Swapper.Move;
import duality.servers.Swapper.Step;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.jar.JarInputStream;
import java.util.jar.Manifest;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.namespace.PackageNamespace;
import org.osgi.framework.startlevel.BundleStartLevel;
import org.osgi.framework.wiring.BundleWiring;
import org.osgi.framework.wiring.FrameworkWiring;

/** A new version of a server bundle, beside the old one and then in its place. */
final class BundleUpdate {
  private static final long ARRIVAL_NANOS = TimeUnit.SECONDS.toNanos(5);
  private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(2);
  private static final AtomicLong INSTALLED = new AtomicLong();

  private final Kernel kernel;
  private final BundleContext system;
  private final Bundle old;
  private final Path file;
  private final String version;

  /** The new bundle, once it is installed. */
  private volatile @Nullable Bundle fresh;

  /** The endpoints are with the new bundle: it stays, even when the old one hangs in its stop. */
  private volatile boolean moved;

  private BundleUpdate(Kernel kernel, BundleContext system, Bundle old, Path file, String version) {
    this.kernel = kernel;
    this.system = system;
    this.old = old;
    this.file = file;
    this.version = version;
  }

  /**
   * Finds the bundle and looks at the file.
   *
   * @param system the context of the framework: what it installs belongs to nobody else
   */
  static BundleUpdate of(Kernel kernel, BundleContext system, String bundle, String file) {
    Bundle old = find(system, bundle);
    Path path = Path.of(file);
    String name;
    String version;
    try (InputStream in = Files.newInputStream(path);
        JarInputStream jar = new JarInputStream(in)) {
      Manifest manifest = jar.getManifest();
      if (manifest == null || symbolicName(manifest).isEmpty()) {
        throw new CallFailed.BadRequest(file + " is no bundle: its manifest names none");
      }
      name = symbolicName(manifest);
      version = String.valueOf(manifest.getMainAttributes().getValue(Constants.BUNDLE_VERSION));
    } catch (IOException e) {
      throw new CallFailed.BadRequest(file + " cannot be read: " + e.getMessage());
    }
    if (!name.equals(old.getSymbolicName())) {
      throw new CallFailed.BadRequest(
          file + " is " + name + ", not " + old.getSymbolicName() + "; kernel:install takes it in");
    }
    return new BundleUpdate(kernel, system, old, path, version);
  }

  private static String symbolicName(Manifest manifest) {
    String name = manifest.getMainAttributes().getValue(Constants.BUNDLE_SYMBOLICNAME);
    return name == null ? "" : name.split(";", 2)[0].strip();
  }

  private static Bundle find(BundleContext system, String named) {
    List<Bundle> found =
        Arrays.stream(system.getBundles())
            .filter(
                each ->
                    named.equals(each.getSymbolicName())
                        || named.equals(Long.toString(each.getBundleId())))
            .toList();
    if (found.isEmpty()) {
      String last = named.substring(named.lastIndexOf('.') + 1);
      throw new CallFailed.BadRequest(
          "there is no bundle '"
              + named
              + "'"
              + Arrays.stream(system.getBundles())
                  .map(each -> String.valueOf(each.getSymbolicName()))
                  .filter(each -> each.contains(last))
                  .sorted()
                  .collect(Collectors.joining(", ", "; there are: ", "; felix:lb lists all")));
    }
    if (found.size() > 1) {
      throw new CallFailed.BadRequest(
          named
              + " is there several times, name one by its number: "
              + found.stream().map(each -> each.getBundleId() + " " + each.getVersion()).toList());
    }
    return found.getFirst();
  }

  String from() {
    return old.getSymbolicName() + " " + old.getVersion();
  }

  String to() {
    return old.getSymbolicName() + " " + version;
  }

  private List<ServerReport> servers(Bundle bundle) {
    return kernel.servers().stream()
        .filter(each -> each.bundleId() == bundle.getBundleId())
        .toList();
  }

  /** Why it cannot be done, or empty. */
  String refusal() {
    if (old.getBundleId() == 0 || servesKernel()) {
      return old.getSymbolicName() + " is what everything stands on: it needs a restart";
    }
    Set<String> importers = importers();
    if (exports()) {
      return old.getSymbolicName()
          + " is an API: its classes are in "
          + importers.size()
          + " other bundles and in the capabilities to its endpoints, so that a new version means"
          + " a restart of all those; with felix:update and felix:refresh their states wait at the"
          + " endpoints, and go on where the protocol is the same class";
    }
    if (servers(old).isEmpty()) {
      return old.getSymbolicName()
          + " has no servers: felix:update "
          + old.getBundleId()
          + " file:FILE does it";
    }
    return "";
  }

  private boolean servesKernel() {
    return "duality.kernel".equals(old.getSymbolicName());
  }

  private boolean exports() {
    BundleWiring wiring = old.adapt(BundleWiring.class);
    return wiring != null && !wiring.getCapabilities(PackageNamespace.PACKAGE_NAMESPACE).isEmpty();
  }

  /** Bundles that a refresh would restart with it. */
  private Set<String> importers() {
    FrameworkWiring wiring = system.getBundle(0).adapt(FrameworkWiring.class);
    Set<String> names = new TreeSet<>();
    if (wiring != null) {
      for (Bundle each : wiring.getDependencyClosure(List.of(old))) {
        if (!each.equals(old)) {
          names.add(String.valueOf(each.getSymbolicName()));
        }
      }
    }
    return names;
  }

  List<Step> plan() {
    List<Step> steps = new ArrayList<>();
    String refusal = refusal();
    if (!refusal.isEmpty()) {
      steps.add(new Step("refused", from(), "", to(), refusal));
      for (String each : importers()) {
        steps.add(new Step("restarts", each, "", "", "is wired to it"));
      }
      return steps;
    }
    steps.add(new Step("installs", to(), "", "", file + ", beside bundle " + old.getBundleId()));
    for (ServerReport server : servers(old)) {
      for (String path : server.endpoints()) {
        steps.add(new Step("moves", path, Targets.exactName(server), to(), ""));
      }
    }
    steps.add(new Step("uninstalls", from(), "", "", "bundle " + old.getBundleId()));
    for (String each : importers()) {
      steps.add(new Step("touches", each, "", "", "is wired to it"));
    }
    return steps;
  }

  /** The moves once the new bundle is there. */
  private List<Move> moves(Bundle fresh) {
    List<Move> moves = new ArrayList<>();
    for (ServerReport server : servers(old)) {
      String exact = Targets.exactName(server);
      String successor = exact.substring(0, exact.indexOf('#') + 1) + fresh.getBundleId();
      for (String path : server.endpoints()) {
        boolean engine = server.protocols().equals(List.of("Engine"));
        moves.add(new Move(engine ? Targets.ENGINE : path, successor));
      }
    }
    return moves.stream().distinct().toList();
  }

  /** What moves endpoints or harts, in one transaction. */
  interface Mover {
    Transaction.Result move(List<Move> moves);
  }

  /** Does it, on a hand-over thread. */
  Transaction.Result run(Mover mover) {
    String refusal = refusal();
    if (!refusal.isEmpty()) {
      throw new CallFailed.BadRequest(refusal);
    }
    Bundle next;
    try (InputStream in = Files.newInputStream(file)) {
      next = system.installBundle("update:" + INSTALLED.incrementAndGet() + ":" + file, in);
    } catch (IOException | BundleException e) {
      return Transaction.Result.kept("not installed: " + e.getMessage());
    }
    fresh = next;
    Transaction.Result result;
    try {
      BundleStartLevel level = old.adapt(BundleStartLevel.class);
      BundleStartLevel freshLevel = next.adapt(BundleStartLevel.class);
      if (level != null && freshLevel != null) {
        freshLevel.setStartLevel(level.getStartLevel());
      }
      next.start();
      List<String> missing = awaitServers(next);
      if (missing.isEmpty()) {
        List<Move> moves = moves(next);
        result =
            moves.isEmpty() ? new Transaction.Result(true, 0, 0, 0, "done") : mover.move(moves);
        moved = result.done();
      } else {
        result = Transaction.Result.kept("the new version did not bring " + missing);
      }
    } catch (BundleException | CallFailed e) {
      result = Transaction.Result.kept(reason(e));
    }
    return result;
  }

  /** In case the new version turns out bad. */
  private void keepOld() {
    try {
      PreviousVersions.keep(system, old);
    } catch (IOException e) {
      System.getLogger("duality.swapper")
          .log(System.Logger.Level.WARNING, from() + " cannot be put back later: " + e);
    }
  }

  /**
   * Takes out the bundle that serves nobody any more: the old one when the endpoints have moved,
   * else the new one. For a thread apart: either may hang in its stop, and what was done is done.
   */
  void finish() {
    Bundle goes = moved ? old : fresh;
    if (goes == null || goes.getState() == Bundle.UNINSTALLED) {
      return;
    }
    if (moved) {
      keepOld();
    }
    uninstall(goes);
  }

  private static String reason(Throwable e) {
    StringBuilder text = new StringBuilder();
    for (Throwable each = e; each != null; each = each.getCause()) {
      String message = String.valueOf(each.getMessage());
      if (text.indexOf(message) < 0) {
        text.append(text.isEmpty() ? "" : ": ").append(message);
      }
    }
    return text.toString();
  }

  /** Waits for the servers that are needed; answers those that did not come. */
  private List<String> awaitServers(Bundle fresh) {
    long deadline = System.nanoTime() + ARRIVAL_NANOS;
    while (true) {
      Set<String> there =
          servers(fresh).stream().map(Targets::exactName).collect(Collectors.toSet());
      List<String> missing =
          moves(fresh).stream()
              .map(Move::server)
              .distinct()
              .filter(each -> !there.contains(each))
              .toList();
      if (missing.isEmpty() || System.nanoTime() - deadline > 0) {
        return missing;
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
  }

  private static void uninstall(Bundle bundle) {
    try {
      bundle.uninstall();
    } catch (BundleException e) {
      throw new CallFailed.BadRequest(
          "bundle " + bundle.getBundleId() + " is not uninstalled: " + e.getMessage());
    }
  }
}
