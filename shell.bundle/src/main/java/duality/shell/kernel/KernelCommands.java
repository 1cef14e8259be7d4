package duality.shell.kernel;

import duality.kernel.EndpointReport;
import duality.kernel.Observation;
import duality.kernel.ServerReport;
import duality.servers.Root;
import duality.servers.Swapper;
import duality.shell.command.Command;
import duality.shell.command.CommandFailed;
import duality.shell.command.CommandGroup;
import duality.shell.command.Invocation;
import duality.shell.command.Kind;
import duality.shell.command.Notice;
import duality.shell.command.Syntax;
import duality.shell.text.ByteSize;
import duality.shell.text.Near;
import duality.shell.text.Span;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/** Looks into the core, and swaps servers. */
@Component(service = KernelCommands.class, immediate = true)
public final class KernelCommands extends CommandGroup {
  private static final String SCOPE = "kernel";
  private static final String LAST = ".kernel.stat";

  private final Observation kernel;
  private final Swapper swapper;
  private final Root root;

  /** With what it looks at. */
  @Activate
  public KernelCommands(
      @Reference Observation kernel, @Reference Swapper swapper, @Reference Root root) {
    this.kernel = kernel;
    this.swapper = swapper;
    this.root = root;
  }

  @Activate
  void activate(BundleContext context) {
    register(context);
  }

  @Deactivate
  void deactivate() {
    unregister();
  }

  @Override
  public List<Command> commands() {
    return List.of(
        new Command(
            Syntax.of(
                SCOPE, "endpoints", "Lists the endpoints: who serves them, and how they are."),
            call -> kernel.endpoints()),
        new Command(
            Syntax.of(SCOPE, "servers", "Lists the servers that are there, and what they serve."),
            call -> kernel.servers()),
        new Command(
            Syntax.of(SCOPE, "swap", "Puts another server behind an endpoint while it is in use.")
                .takes("ENDPOINT", Kind.ENDPOINT, "its path; * stands for one part: vm/*/blk0")
                .takes("SERVER", Kind.SERVER, "the server that shall serve it, see kernel:servers")
                .note("Fails when the old server serves on; kernel:history says why."),
            this::swap),
        new Command(
            Syntax.of(SCOPE, "history", "Lists the last swaps, oldest first.")
                .option("--last", Kind.COUNT, "only so many of them"),
            this::history),
        new Command(
            Syntax.of(SCOPE, "stat", "Shows how often each endpoint was called, faulted, notified.")
                .mayTake("ENDPOINT", Kind.ENDPOINT, "only those whose path begins so")
                .flag("--diff", "only what was counted since kernel:stat was last called")
                .option(
                    "--since", Kind.VALUE, "only what was counted since that earlier kernel:stat")
                .flag("--all", "endpoints at which nothing was counted too")
                .note("before = (kernel:stat); …; kernel:stat --since $before"),
            this::stat),
        new Command(
            Syntax.of(SCOPE, "counters", "Shows the counters of the whole kernel, and its memory."),
            call -> counters()),
        new Command(
            Syntax.of(SCOPE, "threads", "Lists the threads and what they used."),
            call -> kernel.threads()),
        new Command(
            Syntax.of(SCOPE, "spaces", "Lists the address spaces and their faults."),
            call -> kernel.spaces()),
        new Command(
            Syntax.of(SCOPE, "primitives", "Lists the kinds of kernel objects and their methods."),
            call -> kernel.primitives()));
  }

  private Swapped swap(Invocation call) throws CommandFailed {
    String endpoint = call.arguments().text("ENDPOINT");
    String server = call.arguments().text("SERVER");
    List<String> servers = kernel.servers().stream().map(ServerReport::name).toList();
    List<String> paths = kernel.endpoints().stream().map(EndpointReport::path).toList();
    if (!endpoint.contains("*") && !paths.contains(endpoint)) {
      throw noEndpoint(endpoint, paths);
    }
    if (!servers.contains(server)) {
      throw new CommandFailed("there is no server '" + server + "'" + able(endpoint, server));
    }
    for (EndpointReport each : kernel.endpoints()) {
      if (each.path().equals(endpoint) && !serves(server, each.protocol())) {
        throw new CommandFailed(
            "server " + server + " is no " + each.protocol() + able(endpoint, server));
      }
    }
    Swapper.Swap swap = swapper.swap(endpoint, server);
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

  static CommandFailed noEndpoint(String path, List<String> paths) {
    String hint = Near.hint(path, paths);
    return new CommandFailed(
        "there is no endpoint '"
            + path
            + "'"
            + (hint.isEmpty() ? "; kernel:endpoints lists those that are there" : hint));
  }

  private boolean serves(String server, String protocol) {
    return kernel.servers().stream()
        .anyMatch(each -> each.name().equals(server) && each.protocols().contains(protocol));
  }

  /** Which servers could serve an endpoint, as the end of an error. */
  private String able(String endpoint, String typed) {
    List<String> able =
        kernel.endpoints().stream()
            .filter(each -> each.path().equals(endpoint))
            .flatMap(
                each ->
                    kernel.servers().stream()
                        .filter(server -> server.protocols().contains(each.protocol())))
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
      return swap.endpoint()
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
    return last(swaps, call.arguments().count("--last", swaps.size()));
  }

  private static <T> List<T> last(List<T> all, int most) {
    return all.subList(Math.max(0, all.size() - most), all.size());
  }

  private List<Counters> stat(Invocation call) throws CommandFailed {
    List<Counters> now = Counters.now(kernel);
    Object before = null;
    if (call.arguments().has("--since")) {
      before = call.arguments().value("--since");
    } else if (call.arguments().has("--diff")) {
      before = call.session().get(LAST);
    }
    call.session().put(LAST, now);
    List<Counters> shown = before == null ? now : Counters.between(counters(before), now);
    String path = call.arguments().text("ENDPOINT", "");
    List<String> paths = now.stream().map(Counters::endpoint).toList();
    if (paths.stream().noneMatch(each -> each.startsWith(path))) {
      throw noEndpoint(path, paths);
    }
    boolean all = call.arguments().has("--all") || before == null;
    return shown.stream()
        .filter(each -> each.endpoint().startsWith(path))
        .filter(each -> all || !each.still())
        .toList();
  }

  private static List<Counters> counters(@Nullable Object value) throws CommandFailed {
    List<Counters> counters = new ArrayList<>();
    if (value instanceof List<?> list) {
      for (Object each : list) {
        if (each instanceof Counters one) {
          counters.add(one);
        }
      }
    }
    if (counters.isEmpty()) {
      throw new CommandFailed(
          "--since wants the value of an earlier call: before = (kernel:stat); …;"
              + " kernel:stat --since $before");
    }
    return counters;
  }

  /**
   * One figure of the kernel.
   *
   * @param counter what it counts
   * @param value how much
   */
  record Figure(String counter, String value) {}

  private List<Figure> counters() {
    List<Figure> figures = new ArrayList<>();
    new TreeMap<>(kernel.counters())
        .forEach((name, value) -> figures.add(new Figure(name, String.valueOf(value))));
    Root.FrameBalance balance = root.balance();
    figures.add(new Figure("memory", ByteSize.show(balance.total() * 4096)));
    figures.add(new Figure("memory free", ByteSize.show(balance.free() * 4096)));
    for (Map.Entry<String, Long> owner : new TreeMap<>(balance.owners()).entrySet()) {
      figures.add(
          new Figure("memory of " + owner.getKey(), ByteSize.show(owner.getValue() * 4096)));
    }
    return figures;
  }
}
