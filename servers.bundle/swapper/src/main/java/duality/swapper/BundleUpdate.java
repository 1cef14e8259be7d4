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
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.jar.JarInputStream;
import java.util.jar.Manifest;
import java.util.stream.Collectors;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.namespace.PackageNamespace;
import org.osgi.framework.wiring.BundleWire;
import org.osgi.framework.wiring.BundleWiring;
import org.osgi.framework.wiring.FrameworkWiring;

/**
 * A new version of a bundle, beside the old one and then in its place.
 *
 * <p>Of an API, all bundles that serve with its classes are installed once more, wired to the new
 * version, and all that they serve moves in one transaction. Bundles that are only clients stay as
 * they are, with the old version beside the new one, until they are wired anew.
 */
final class BundleUpdate {
  private static final long ARRIVAL_NANOS = TimeUnit.SECONDS.toNanos(5);
  private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(2);
  private static final String KERNEL = "duality.kernel";
  private static final String WIRED = "is wired to it";
  private static final Comparator<Bundle> NEWEST_LAST =
      Comparator.comparing(Bundle::getVersion).thenComparingLong(Bundle::getBundleId);

  private final Kernel kernel;
  private final BundleContext system;
  private final Bundle old;
  private final Path file;
  private final String version;

  /** What is replaced together, first of all the bundle itself; empty before it is begun. */
  private volatile List<Replacement> replaced = List.of();

  /** The endpoints are with the new bundles: they stay, even when an old one hangs in its stop. */
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
    if (found.size() > 1 && found.stream().allMatch(BundleUpdate::exports)) {
      return found.stream().max(NEWEST_LAST).orElseThrow(); // the others are for old clients
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
    return Replacement.name(old);
  }

  String to() {
    return old.getSymbolicName() + " " + version;
  }

  /** Why it cannot be done, or empty. */
  String refusal() {
    if (old.getBundleId() == 0 || KERNEL.equals(old.getSymbolicName())) {
      return old.getSymbolicName() + " is what everything stands on: it needs a restart";
    }
    if (closure(old).stream().anyMatch(each -> KERNEL.equals(each.getSymbolicName()))) {
      return old.getSymbolicName() + " is an API of the kernel's: it needs a restart";
    }
    if (replacements().stream().allMatch(each -> servers(each).isEmpty())) {
      return old.getSymbolicName()
          + (exports(old) ? " has no servers among those wired to it" : " has no servers")
          + ": felix:update "
          + old.getBundleId()
          + " file:FILE does it";
    }
    return "";
  }

  private List<ServerReport> servers(Replacement replacement) {
    return Replacement.servers(kernel, replacement.old);
  }

  private static boolean exports(Bundle bundle) {
    BundleWiring wiring = bundle.adapt(BundleWiring.class);
    return wiring != null && !wiring.getCapabilities(PackageNamespace.PACKAGE_NAMESPACE).isEmpty();
  }

  /** Bundles that use its classes, directly or through others. */
  private List<Bundle> closure(Bundle bundle) {
    FrameworkWiring wiring = system.getBundle(0).adapt(FrameworkWiring.class);
    return wiring == null
        ? List.of()
        : wiring.getDependencyClosure(List.of(bundle)).stream()
            .filter(each -> !each.equals(bundle))
            .sorted(Comparator.comparing(each -> String.valueOf(each.getSymbolicName())))
            .toList();
  }

  private boolean isServing(Bundle bundle) {
    return !Replacement.servers(kernel, bundle).isEmpty();
  }

  /** The bundle itself, then what its servers' classes come from, then those servers. */
  private List<Replacement> replacements() {
    List<Replacement> all = new ArrayList<>();
    all.add(new Replacement(old, file));
    List<Bundle> users = closure(old);
    users.stream()
        .filter(each -> !isServing(each) && closure(each).stream().anyMatch(this::isServing))
        .forEach(each -> all.add(new Replacement(each, null)));
    users.stream().filter(this::isServing).forEach(each -> all.add(new Replacement(each, null)));
    return all;
  }

  List<Step> plan() {
    String refusal = refusal();
    if (!refusal.isEmpty()) {
      List<Step> steps = new ArrayList<>();
      steps.add(new Step("refused", from(), "", to(), refusal));
      for (Bundle each : closure(old)) {
        steps.add(new Step("touches", String.valueOf(each.getSymbolicName()), "", "", WIRED));
      }
      return steps;
    }
    List<Step> steps = new ArrayList<>();
    List<Step> last = new ArrayList<>();
    List<Replacement> all = replacements();
    for (Replacement each : all) {
      String name = Replacement.name(each.old);
      String from = each.isCopy() ? "the same, wired to " + to() : file + "";
      String remark = from + ", beside bundle " + each.old.getBundleId();
      steps.add(new Step("installs", each.isCopy() ? name : to(), "", "", remark));
      for (ServerReport server : servers(each)) {
        String exact = Targets.exactName(server);
        String to = each.isCopy() ? name : to();
        server.endpoints().forEach(path -> last.add(new Step("moves", path, exact, to, "")));
      }
    }
    List<Bundle> clients = closure(old).stream().filter(each -> !isOneOf(all, each)).toList();
    for (Replacement each : all.reversed()) {
      boolean stays = each.old == old && !clients.isEmpty();
      String remark = stays ? "for the clients that are wired to it" : "";
      last.add(
          new Step(
              stays ? "keeps" : "uninstalls",
              Replacement.name(each.old),
              "",
              "",
              stays ? remark : "bundle " + each.old.getBundleId()));
    }
    for (Bundle each : clients) {
      last.add(
          new Step(
              "touches",
              String.valueOf(each.getSymbolicName()),
              "",
              "",
              WIRED + " and is served on; felix:refresh " + each.getBundleId() + " wires it anew"));
    }
    steps.addAll(last);
    return steps;
  }

  private static boolean isOneOf(List<Replacement> all, Bundle bundle) {
    return all.stream().anyMatch(each -> each.old.equals(bundle));
  }

  private List<Move> moves() {
    return replaced.stream().flatMap(each -> each.moves(kernel).stream()).distinct().toList();
  }

  /** What moves endpoints or harts, in one transaction. */
  interface Mover {
    Transaction.Result move(List<Move> moves);
  }

  /** Does it, on a hand-over thread, but for {@link #finish}. */
  Transaction.Result run(Mover mover) {
    String refusal = refusal();
    if (!refusal.isEmpty()) {
      throw new CallFailed.BadRequest(refusal);
    }
    replaced = replacements();
    Transaction.Result result;
    try {
      for (Replacement each : replaced) {
        each.install(system);
      }
      for (Replacement each : replaced) {
        each.start();
      }
      String stale = wiredToOld();
      if (!stale.isEmpty()) {
        return Transaction.Result.kept(stale);
      }
      List<String> missing = awaitServers();
      if (!missing.isEmpty()) {
        return Transaction.Result.kept("the new version did not bring " + missing);
      }
      List<Move> moves = moves();
      result =
          moves.isEmpty() ? new Transaction.Result(true, 0, 0, 0, 0, "done") : mover.move(moves);
      moved = result.done();
    } catch (IOException | BundleException | CallFailed e) {
      result = Transaction.Result.kept(reason(e));
    }
    return result;
  }

  /**
   * Takes out the bundles that serve nobody any more: the old ones when the endpoints have moved,
   * else the new ones. For a thread apart: any may hang in its stop, and what was done is done.
   */
  void finish() {
    if (moved && !exports(old)) {
      keepOld();
    }
    Bundle own = FrameworkUtil.getBundle(BundleUpdate.class);
    // Users before what they use; and who does this before it has no classes any more.
    List<Replacement> order = new ArrayList<>(replaced.reversed());
    order.sort(Comparator.comparing(each -> each.old.equals(own)));
    for (Replacement each : order) {
      if (!moved || closure(each.old).isEmpty()) {
        each.uninstall(moved);
      }
    }
    if (moved) {
      dropOlder();
    }
  }

  /** Versions of an API that had clients at the last update and have none any more. */
  private void dropOlder() {
    Bundle fresh = replaced.getFirst().fresh();
    for (Bundle each : system.getBundles()) {
      if (String.valueOf(each.getSymbolicName()).equals(fresh.getSymbolicName())
          && NEWEST_LAST.compare(each, fresh) < 0
          && exports(each)
          && closure(each).isEmpty()) {
        new Replacement(each, null).uninstall(true);
      }
    }
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

  /** Who would go on with the old classes, because the new version does not fit; or empty. */
  private String wiredToOld() {
    for (Replacement each : replaced) {
      BundleWiring wiring = each.fresh().adapt(BundleWiring.class);
      if (wiring == null) {
        continue;
      }
      for (BundleWire wire : wiring.getRequiredWires(PackageNamespace.PACKAGE_NAMESPACE)) {
        if (isOneOf(replaced, wire.getProvider().getBundle())) {
          return each.fresh().getSymbolicName()
              + " does not take "
              + wire.getCapability().getAttributes().get(PackageNamespace.PACKAGE_NAMESPACE)
              + " of "
              + to()
              + ", see its Import-Package";
        }
      }
    }
    return "";
  }

  /** Waits for the servers that are needed; answers those that did not come. */
  private List<String> awaitServers() {
    long deadline = System.nanoTime() + ARRIVAL_NANOS;
    while (true) {
      Set<String> there =
          kernel.servers().stream().map(Targets::exactName).collect(Collectors.toSet());
      List<String> missing =
          moves().stream()
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
}
