package duality.shell.kernel;

import duality.kernel.EndpointReport;
import duality.kernel.Observation;
import duality.servers.Root;
import duality.shell.command.Command;
import duality.shell.command.CommandFailed;
import duality.shell.command.CommandGroup;
import duality.shell.command.Invocation;
import duality.shell.command.Kind;
import duality.shell.command.Syntax;
import duality.shell.text.ByteSize;
import duality.shell.text.Near;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** Looks into the core. */
@Component(service = KernelCommands.class, immediate = true)
public final class KernelCommands extends CommandGroup {
  private static final String SCOPE = "kernel";
  private static final String LAST = ".kernel.stat";

  private final Observation kernel;
  private final Root root;

  /** With what it looks at. */
  @Activate
  public KernelCommands(@Reference Observation kernel, @Reference Root root) {
    this.kernel = kernel;
    this.root = root;
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
            Syntax.of(SCOPE, "remove", "Ends an endpoint and all below it.")
                .takes("ENDPOINT", Kind.ENDPOINT, "its path, such as service/visits")
                .note("Callers are told that it is no more. Nobody's bundle is stopped."),
            call -> {
              String path = call.arguments().text("ENDPOINT");
              List<String> paths = kernel.endpoints().stream().map(EndpointReport::path).toList();
              if (!paths.contains(path)) {
                throw noEndpoint(path, paths);
              }
              root.remove(path);
              return null;
            }),
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

  static CommandFailed noEndpoint(String path, List<String> paths) {
    String hint = Near.hint(path, paths);
    return new CommandFailed(
        "there is no endpoint '"
            + path
            + "'"
            + (hint.isEmpty() ? "; kernel:endpoints lists those that are there" : hint));
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
    figures.add(new Figure("call guard", kernel.callGuard()));
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
