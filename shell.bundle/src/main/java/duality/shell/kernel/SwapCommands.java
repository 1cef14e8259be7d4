package duality.shell.kernel;

import duality.kernel.CallFailed;
import duality.kernel.EndpointReport;
import duality.kernel.Observation;
import duality.kernel.ServerReport;
import duality.servers.Supervisor;
import duality.servers.Swapper;
import duality.shell.command.Command;
import duality.shell.command.CommandFailed;
import duality.shell.command.CommandGroup;
import duality.shell.command.Invocation;
import duality.shell.command.Kind;
import duality.shell.command.Notice;
import duality.shell.command.Syntax;
import duality.shell.text.Near;
import duality.shell.text.Span;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/**
 * Replaces and kills servers and their bundles while they are in use, and says beforehand what that
 * means.
 */
@Component(service = SwapCommands.class, immediate = true)
public final class SwapCommands extends CommandGroup {
  private static final String SCOPE = "kernel";
  private static final String ENGINE = "engine";
  private static final Duration MENDING = Duration.ofSeconds(10);
  private static final Duration LOOK = Duration.ofMillis(2);

  private final Observation kernel;
  private final Swapper swapper;
  private final Supervisor supervisor;
  private final BundleContext context;

  /** With whom it asks. */
  @Activate
  public SwapCommands(
      BundleContext context,
      @Reference Observation kernel,
      @Reference Swapper swapper,
      @Reference Supervisor supervisor) {
    this.context = context;
    this.kernel = kernel;
    this.swapper = swapper;
    this.supervisor = supervisor;
  }

  @Override
  public List<Command> commands() {
    return List.of(
        new Command(
            Syntax.of(SCOPE, "swap", "Puts another server behind an endpoint while it is in use.")
                .takes("ENDPOINT", Kind.ENDPOINT, "its path; * stands for one part: vm/*/blk0")
                .takes("SERVER", Kind.SERVER, "the server that shall serve it, see kernel:servers")
                .takesRest("MORE", Kind.MOVES, "further endpoints and servers, all or none", true)
                .flag("--anew", "without the old server's state, which is lost; stands first")
                .note("Of several versions of a server the highest is meant; NAME#BUNDLE is one.")
                .note("The endpoint 'engine' stands for what executes all threads.")
                .note("Fails when the old server serves on; kernel:history says why."),
            this::swap),
        new Command(
            Syntax.of(SCOPE, "update", "Replaces a server bundle by another version of it.")
                .takes("BUNDLE", Kind.BUNDLE, "its symbolic name or number, see felix:lb")
                .takes("FILE", Kind.FILE, "the new version, a jar")
                .note("The new one stands beside the old one until all endpoints have moved,")
                .note("and is taken out again when anything fails: then the old one serves on."),
            this::update),
        new Command(
            Syntax.of(SCOPE, "plan", "Says what a swap or an update would do, and does nothing.")
                .takes("ENDPOINT", Kind.ENDPOINT, "as for kernel:swap; or the word update")
                .takes("SERVER", Kind.SERVER, "as for kernel:swap; or a bundle")
                .takesRest("MORE", Kind.MOVES, "further ones; or the bundle's new FILE", true)
                .note("kernel:plan scheduler scheduler.fair vm/a/pager pager.pinned")
                .note("kernel:plan update BUNDLE FILE"),
            this::plan),
        new Command(
            Syntax.of(SCOPE, "kill", "Kills the server behind an endpoint while it is in use.")
                .takes("ENDPOINT", Kind.ENDPOINT, "its path")
                .option("--dead", Kind.TIME, "it is left dead so long before it is mended")
                .note(
                    "What follows is up to the rules of recovery, see supervisor:list; callers"
                        + " wait.")
                .note("Fails when nobody serves the endpoint afterwards."),
            this::kill),
        new Command(
            Syntax.of(SCOPE, "history", "Lists the last swaps, oldest first.")
                .option("--last", Kind.COUNT, "only so many of them"),
            this::history));
  }

  private Swapped swap(Invocation call) throws CommandFailed {
    List<Swapper.Move> moves = moves(call);
    for (Swapper.Move each : moves) {
      check(each.endpoint(), each.server());
    }
    return swapped(swapper.swapAll(moves));
  }

  private Swapped update(Invocation call) throws CommandFailed {
    String bundle = bundle(call.arguments().text("BUNDLE"));
    Path file = file(call, call.arguments().text("FILE"));
    try {
      return swapped(swapper.update(bundle, file.toString()));
    } catch (CallFailed.BadRequest e) {
      throw new CommandFailed(String.valueOf(e.getMessage()));
    }
  }

  private static Swapped swapped(Swapper.Swap swap) throws CommandFailed {
    if (!swap.done()) {
      throw new CommandFailed(
          swap.endpoint()
              + " stays with "
              + swap.from()
              + ", not "
              + swap.to()
              + ": "
              + swap.outcome());
    }
    return new Swapped(swap);
  }

  private Killed kill(Invocation call) throws CommandFailed {
    String path = call.arguments().text("ENDPOINT");
    checkEndpoint(path);
    Duration dead = call.arguments().time("--dead").orElse(Duration.ZERO);
    long known = supervisor.log().stream().mapToLong(Supervisor.Incident::number).max().orElse(0);
    try {
      supervisor.kill(List.of(path), dead.toMillis());
    } catch (CallFailed.BadRequest e) {
      throw new CommandFailed(String.valueOf(e.getMessage()));
    }
    long end = System.nanoTime() + dead.plus(MENDING).toNanos();
    while (System.nanoTime() - end < 0) {
      for (Supervisor.Incident each : supervisor.log()) {
        if (each.number() > known && each.endpoint().equals(path) && !each.outcome().isEmpty()) {
          if (each.micros() < 0) {
            throw new CommandFailed(path + ": " + each.outcome());
          }
          return new Killed(each);
        }
      }
      call.cancellation().sleep(LOOK);
    }
    throw new CommandFailed(
        path + " was killed and is not mended yet; supervisor:log says what is being done");
  }

  /** A server that was killed, and what became of its endpoint. */
  record Killed(Supervisor.Incident incident) implements Notice {
    @Override
    public String line() {
      return incident.endpoint()
          + ": "
          + incident.server()
          + " killed; "
          + incident.outcome()
          + ", "
          + Span.show(1000 * incident.micros())
          + " later";
    }
  }

  private List<Swapper.Step> plan(Invocation call) throws CommandFailed {
    List<String> more = call.arguments().texts("MORE");
    if (call.arguments().text("ENDPOINT").equals("update")) {
      if (more.size() != 1) {
        throw new CommandFailed("kernel:plan update wants a bundle and a file");
      }
      String bundle = bundle(call.arguments().text("SERVER"));
      try {
        return swapper.planUpdate(bundle, file(call, more.getFirst()).toString());
      } catch (CallFailed.BadRequest e) {
        throw new CommandFailed(String.valueOf(e.getMessage()));
      }
    }
    List<Swapper.Move> moves = moves(call);
    for (Swapper.Move each : moves) {
      checkEndpoint(each.endpoint());
    }
    return swapper.plan(moves);
  }

  private static Path file(Invocation call, String name) throws CommandFailed {
    Path file = call.session().currentDir().resolve(name).toAbsolutePath().normalize();
    if (!Files.isRegularFile(file)) {
      throw new CommandFailed("there is no file " + file);
    }
    return file;
  }

  private String bundle(String named) throws CommandFailed {
    List<String> names = new ArrayList<>();
    for (Bundle each : context.getBundles()) {
      String name = String.valueOf(each.getSymbolicName());
      if (named.equals(name) || named.equals(Long.toString(each.getBundleId()))) {
        return named;
      }
      names.add(name);
    }
    String hint = Near.hint(named, names);
    throw new CommandFailed(
        "there is no bundle '"
            + named
            + "'"
            + (hint.isEmpty() ? "; felix:lb lists those that are there" : hint));
  }

  private List<Swapper.Move> moves(Invocation call) throws CommandFailed {
    List<String> words = new ArrayList<>();
    words.add(call.arguments().text("ENDPOINT"));
    words.add(call.arguments().text("SERVER"));
    words.addAll(call.arguments().texts("MORE"));
    if (words.size() % 2 != 0) {
      throw new CommandFailed(
          words.getLast() + " has no server: name endpoints and servers in turn");
    }
    List<Swapper.Move> moves = new ArrayList<>();
    for (int i = 0; i < words.size(); i += 2) {
      moves.add(new Swapper.Move(words.get(i), words.get(i + 1), call.arguments().has("--anew")));
    }
    return moves;
  }

  private void check(String endpoint, String server) throws CommandFailed {
    checkEndpoint(endpoint);
    List<ServerReport> meant =
        kernel.servers().stream()
            .filter(each -> each.name().equals(server) || exactName(each).equals(server))
            .toList();
    if (meant.isEmpty()) {
      throw new CommandFailed("there is no server '" + server + "'" + able(endpoint, server));
    }
    String protocol = protocol(endpoint);
    if (!protocol.isEmpty() && !meant.getFirst().protocols().contains(protocol)) {
      throw new CommandFailed("server " + server + " is no " + protocol + able(endpoint, server));
    }
  }

  private void checkEndpoint(String endpoint) throws CommandFailed {
    List<String> paths = kernel.endpoints().stream().map(EndpointReport::path).toList();
    if (!endpoint.contains("*") && !endpoint.equals(ENGINE) && !paths.contains(endpoint)) {
      throw KernelCommands.noEndpoint(endpoint, paths);
    }
  }

  private static String exactName(ServerReport server) {
    String name = server.name();
    int exactly = name.indexOf('#');
    return (exactly < 0 ? name : name.substring(0, exactly)) + "#" + server.bundleId();
  }

  /** The protocol of an endpoint; empty for a pattern. */
  private String protocol(String endpoint) {
    return endpoint.equals(ENGINE)
        ? "Engine"
        : kernel.endpoints().stream()
            .filter(each -> each.path().equals(endpoint))
            .map(EndpointReport::protocol)
            .findFirst()
            .orElse("");
  }

  /** Which servers could serve an endpoint, as the end of an error. */
  private String able(String endpoint, String typed) {
    String protocol = protocol(endpoint);
    List<String> able =
        kernel.servers().stream()
            .filter(each -> each.protocols().contains(protocol))
            .map(ServerReport::name)
            .toList();
    return able.isEmpty()
        ? Near.hint(typed, kernel.servers().stream().map(ServerReport::name).toList())
        : "; " + endpoint + " can be served by " + String.join(", ", able);
  }

  /** A swap that worked. */
  record Swapped(Swapper.Swap swap) implements Notice {
    @Override
    public String line() {
      return (swap.endpoint().isEmpty() ? "nothing in use" : swap.endpoint())
          + ": "
          + swap.from()
          + " to "
          + swap.to()
          + ", held for "
          + Span.show(1000 * swap.pauseMicros())
          + (swap.endpoints() == 1 ? "" : ", " + swap.endpoints() + " endpoints");
    }
  }

  private List<Swapper.Swap> history(Invocation call) {
    List<Swapper.Swap> swaps = swapper.history();
    int most = call.arguments().count("--last", swaps.size());
    return swaps.subList(Math.max(0, swaps.size() - most), swaps.size());
  }
}
