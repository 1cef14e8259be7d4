package duality.shell.kernel;

import duality.kernel.EndpointReport;
import duality.kernel.FailureReport;
import duality.kernel.Observation;
import duality.kernel.Server;
import duality.kernel.ServerReport;
import duality.kernel.TraceEvent;
import duality.servers.Swapper;
import duality.shell.command.Command;
import duality.shell.command.CommandFailed;
import duality.shell.command.CommandGroup;
import duality.shell.command.Invocation;
import duality.shell.command.Kind;
import duality.shell.command.Notice;
import duality.shell.command.Syntax;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceReference;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/**
 * Takes somebody's own bundle in: what {@code felix:install}, {@code felix:start} and a look at
 * {@code kernel:servers} do, and when it does not work the reason in words. A bundle that is of no
 * use is taken out again.
 */
@Component(service = InstallCommands.class, immediate = true)
public final class InstallCommands extends CommandGroup {
  /** How long a component may take to be there after its bundle was started. */
  private static final Duration ARRIVAL = Duration.ofSeconds(3);

  /** How long a new server is watched for an early end. */
  private static final Duration TRIAL = Duration.ofMillis(300);

  private static final Duration POLL = Duration.ofMillis(20);

  private final Observation kernel;
  private final Swapper swapper;
  private final BundleContext context;

  /** With whom it asks. */
  @Activate
  public InstallCommands(
      BundleContext context, @Reference Observation kernel, @Reference Swapper swapper) {
    this.context = context;
    this.kernel = kernel;
    this.swapper = swapper;
  }

  @Override
  public List<Command> commands() {
    return List.of(
        new Command(
            Syntax.of("kernel", "install", "Installs and starts a bundle, and says what it serves.")
                .takes("FILE", Kind.FILE, "the bundle, a jar")
                .option("--swap", Kind.ENDPOINT, "puts its server behind that endpoint at once")
                .note("Fails, and takes the bundle out again, when it does not resolve or start.")
                .note("kernel:install examples/my-scheduler/target/my.scheduler.jar"),
            this::install));
  }

  /** What an installation came to. */
  record Installed(
      String bundle,
      long id,
      List<ServerReport> servers,
      List<String> endpoints,
      @Nullable Swapped swapped)
      implements Notice {
    /** A swap right behind it. */
    record Swapped(String endpoint, String from, String to) {}

    @Override
    public String line() {
      String serves =
          servers.isEmpty()
              ? "no server is in it"
              : servers.stream()
                  .map(each -> each.name() + " serves " + String.join(", ", each.protocols()))
                  .collect(Collectors.joining("; "));
      Swapped done = swapped;
      return bundle
          + " is bundle "
          + id
          + ": "
          + serves
          + (endpoints.isEmpty() ? "" : " at " + String.join(", ", endpoints))
          + (done == null
              ? ""
              : "\n" + done.endpoint + ": " + done.from + " to " + done.to + ", and it works");
    }
  }

  private Installed install(Invocation call) throws CommandFailed {
    Path file = call.session().currentDir().resolve(call.arguments().text("FILE"));
    String name = symbolicName(file);
    Optional<String> endpoint = call.arguments().given("--swap");
    if (endpoint.isPresent()) {
      List<String> paths = kernel.endpoints().stream().map(EndpointReport::path).toList();
      if (!paths.contains(endpoint.get())) {
        throw KernelCommands.noEndpoint(endpoint.get(), paths);
      }
    }
    for (Bundle each : context.getBundles()) {
      if (name.equals(each.getSymbolicName())) {
        throw new CommandFailed(
            name
                + " is installed already, as bundle "
                + each.getBundleId()
                + "; kernel:update "
                + name
                + " FILE puts a new version in its place, felix:uninstall "
                + name
                + " takes it out");
      }
    }
    Bundle bundle = installed(file);
    try {
      start(bundle);
      List<ServerReport> servers = arrived(call, bundle);
      List<String> asked = asked(call, bundle);
      Installed.Swapped swapped =
          endpoint.isPresent() ? swap(call, endpoint.get(), bundle, servers) : null;
      return new Installed(
          name + " " + bundle.getVersion(), bundle.getBundleId(), servers, asked, swapped);
    } catch (CommandFailed e) {
      uninstall(bundle);
      throw new CommandFailed(e.getMessage() + "\n  " + name + " is taken out again");
    }
  }

  private static String symbolicName(Path file) throws CommandFailed {
    if (!Files.isRegularFile(file)) {
      throw new CommandFailed("there is no file '" + file + "'; has the bundle been built?");
    }
    try (JarFile jar = new JarFile(file.toFile())) {
      Manifest manifest = jar.getManifest();
      String name =
          manifest == null
              ? null
              : manifest.getMainAttributes().getValue(Constants.BUNDLE_SYMBOLICNAME);
      if (name == null) {
        throw new CommandFailed(
            file.getFileName()
                + " is a jar but no bundle: META-INF/MANIFEST.MF has no Bundle-SymbolicName;"
                + " bnd writes one, see examples/my-scheduler/pom.xml");
      }
      return name.replaceFirst(";.*", "").strip();
    } catch (IOException e) {
      throw new CommandFailed(file.getFileName() + " is no jar: " + e.getMessage());
    }
  }

  private Bundle installed(Path file) throws CommandFailed {
    try (InputStream in = Files.newInputStream(file)) {
      return context.installBundle(file.toUri().toString(), in);
    } catch (IOException | BundleException e) {
      throw new CommandFailed(file.getFileName() + " cannot be installed: " + e.getMessage());
    }
  }

  private void start(Bundle bundle) throws CommandFailed {
    try {
      // First for now only: what does not work is not to be tried again by the framework.
      bundle.start(Bundle.START_TRANSIENT);
      bundle.start();
    } catch (BundleException e) {
      if (e.getType() == BundleException.RESOLVE_ERROR) {
        throw new CommandFailed(new Unresolved(context).explain(bundle));
      }
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new CommandFailed(bundle.getSymbolicName() + " did not start: " + cause);
    }
  }

  /** The servers of a bundle that was started; components take a moment. */
  private List<ServerReport> arrived(Invocation call, Bundle bundle) throws CommandFailed {
    String components = bundle.getHeaders("").get("Service-Component");
    long end = System.nanoTime() + ARRIVAL.toNanos();
    while (true) {
      List<ServerReport> servers = serversOf(bundle);
      List<ServiceReference<?>> offered = offered(bundle);
      if (servers.size() == offered.size() && (!servers.isEmpty() || components == null)) {
        return servers;
      }
      if (System.nanoTime() - end > 0) {
        if (offered.isEmpty() && !has(bundle, components)) {
          // It may be a client, or an API: nothing is wrong with that.
          return servers;
        }
        throw new CommandFailed(unserved(bundle, offered, servers));
      }
      call.cancellation().sleep(POLL);
    }
  }

  /** The endpoints for which its servers asked, when they are there. */
  private List<String> asked(Invocation call, Bundle bundle) throws CommandFailed {
    List<String> paths =
        offered(bundle).stream()
            .map(each -> each.getProperty(Server.ENDPOINT))
            .filter(String.class::isInstance)
            .map(String.class::cast)
            .toList();
    long end = System.nanoTime() + ARRIVAL.toNanos();
    for (String path : paths) {
      while (kernel.endpoints().stream().noneMatch(each -> each.path().equals(path))) {
        if (System.nanoTime() - end > 0) {
          throw new CommandFailed(
              kernel.trace(0, 0).stream()
                  .map(TraceEvent::text)
                  .filter(text -> text.contains(path + " is not made for "))
                  .reduce((first, last) -> last)
                  .orElse("its endpoint " + path + " was not made; kernel:trace may say why"));
        }
        call.cancellation().sleep(POLL);
      }
    }
    return paths;
  }

  /** Whether one of the components in a bundle says that it provides a server. */
  private static boolean has(Bundle bundle, @Nullable String components) {
    if (components == null) {
      return false;
    }
    for (String each : components.split("\\s*,\\s*")) {
      var entry = bundle.getEntry(each);
      try (InputStream in = entry == null ? InputStream.nullInputStream() : entry.openStream()) {
        String text = new String(in.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        if (text.contains("interface=\"" + Server.class.getName() + "\"")) {
          return true;
        }
      } catch (IOException e) {
        return false;
      }
    }
    return false;
  }

  private static List<ServiceReference<?>> offered(Bundle bundle) {
    ServiceReference<?>[] services = bundle.getRegisteredServices();
    return services == null
        ? List.of()
        : Arrays.stream(services)
            .filter(
                each ->
                    each.getProperty(Constants.OBJECTCLASS) instanceof String[] classes
                        && Stream.of(classes).anyMatch(Server.class.getName()::equals))
            .<ServiceReference<?>>map(each -> each)
            .toList();
  }

  private List<ServerReport> serversOf(Bundle bundle) {
    return kernel.servers().stream()
        .filter(each -> each.bundleId() == bundle.getBundleId())
        .toList();
  }

  private String unserved(
      Bundle bundle, List<ServiceReference<?>> offered, List<ServerReport> servers) {
    for (ServiceReference<?> each : offered) {
      String name = String.valueOf(each.getProperty(Server.NAME));
      for (ServerReport other : kernel.servers()) {
        if (other.name().equals(name) && !servers.contains(other)) {
          return "its server is called '"
              + name
              + "' as that of "
              + other.bundle()
              + ", and a name is for one server; choose another "
              + Server.NAME;
        }
      }
    }
    return "its component did not become a server within "
        + ARRIVAL.toSeconds()
        + " s; is a @Reference of it not satisfied? scr:list and scr:info say more";
  }

  private Installed.Swapped swap(
      Invocation call, String endpoint, Bundle bundle, List<ServerReport> servers)
      throws CommandFailed {
    EndpointReport before = report(endpoint);
    List<ServerReport> able =
        servers.stream().filter(each -> each.protocols().contains(before.protocol())).toList();
    if (able.size() != 1) {
      throw new CommandFailed(
          able.isEmpty()
              ? bundle.getSymbolicName()
                  + " has no server for "
                  + endpoint
                  + ", which is a "
                  + before.protocol()
                  + (servers.isEmpty()
                      ? ": none of its classes is a component and a duality.kernel.Server"
                      : ": it has "
                          + servers.stream()
                              .map(each -> each.name() + " for " + each.protocols())
                              .collect(Collectors.joining(", ")))
              : "several of its servers could serve "
                  + endpoint
                  + ": "
                  + able.stream().map(ServerReport::name).collect(Collectors.joining(", "))
                  + "; install it without --swap, then use kernel:swap");
    }
    String server = able.getFirst().name();
    long failures = lastFailure();
    Swapper.Swap swap = swapper.swap(endpoint, server);
    if (!swap.done()) {
      throw new CommandFailed(
          endpoint + " stays with " + swap.from() + ", not " + server + ": " + swap.outcome());
    }
    tried(call, endpoint, server, before.server(), failures);
    return new Installed.Swapped(endpoint, swap.from(), server);
  }

  /** Watches a new server for a moment; when it fails, the one before it serves again. */
  private void tried(
      Invocation call, String endpoint, String server, String before, long failuresBefore)
      throws CommandFailed {
    long end = System.nanoTime() + TRIAL.toNanos();
    while (System.nanoTime() - end < 0) {
      FailureReport failure =
          kernel.failures().stream()
              .filter(each -> each.number() > failuresBefore)
              .filter(each -> each.path().equals(endpoint) && each.server().equals(server))
              .findFirst()
              .orElse(null);
      if (failure != null) {
        String back = "";
        if (!report(endpoint).server().equals(before)) {
          Swapper.Swap swap = swapper.swap(endpoint, before);
          back = swap.done() ? "" : "; " + swap.outcome();
        }
        throw new CommandFailed(
            server
                + " served "
                + endpoint
                + " and failed: "
                + failure.reason()
                + failure.stack().stream().findFirst().map(where -> " at " + where).orElse("")
                + "\n  "
                + report(endpoint).server()
                + " serves it again"
                + back
                + "; kernel:trace has the whole story");
      }
      call.cancellation().sleep(POLL);
    }
  }

  private long lastFailure() {
    return kernel.failures().stream().mapToLong(FailureReport::number).max().orElse(-1);
  }

  private EndpointReport report(String endpoint) throws CommandFailed {
    return kernel.endpoints().stream()
        .filter(each -> each.path().equals(endpoint))
        .findFirst()
        .orElseThrow(() -> new CommandFailed(endpoint + " is no more"));
  }

  private static void uninstall(Bundle bundle) {
    try {
      bundle.uninstall();
    } catch (BundleException | IllegalStateException e) {
      // It is out already.
    }
  }
}
