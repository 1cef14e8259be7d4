package duality.shell.trust;

import duality.kernel.CapabilityReport;
import duality.kernel.EndpointReport;
import duality.kernel.Observation;
import duality.kernel.ServerReport;
import duality.shell.command.Command;
import duality.shell.command.CommandFailed;
import duality.shell.command.CommandGroup;
import duality.shell.command.Invocation;
import duality.shell.command.Kind;
import duality.shell.command.Syntax;
import duality.shell.text.Near;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** Says who trusts whom. */
@Component(service = TrustCommands.class, immediate = true)
public final class TrustCommands extends CommandGroup {
  private static final String SCOPE = "kernel";

  /** The core goes on by itself when this one dies. */
  private static final String SCHEDULER = "scheduler";

  private final BundleContext context;
  private final Observation kernel;

  /** With what it looks at. */
  @Activate
  public TrustCommands(BundleContext context, @Reference Observation kernel) {
    this.context = context;
    this.kernel = kernel;
  }

  @Override
  public List<Command> commands() {
    return List.of(
        new Command(
            Syntax.of(SCOPE, "capabilities", "Lists who holds a capability to what.")
                .mayTake("ENDPOINT", Kind.ENDPOINT, "only those whose holder's path begins so"),
            this::capabilities),
        new Command(
            Syntax.of(SCOPE, "tcb", "Lists the code that an endpoint trusts, and how much it is.")
                .takes("ENDPOINT", Kind.ENDPOINT, "a guest, such as vm/a")
                .note(
                    "lines: source lines that compile to code, by the line tables of the classes.")
                .note("A part is counted once, where it is named first."),
            this::trusted),
        new Command(
            Syntax.of(SCOPE, "liability", "Predicts which guests stall when a server dies.")
                .mayTake("WHAT", Kind.SERVER, "an endpoint, a server or a bundle; none: each one")
                .note("By the capability graph: who can come to call it, by however many steps.")
                .note("Of a server or a bundle all endpoints that it serves die at once."),
            this::liability));
  }

  private List<CapabilityReport> capabilities(Invocation call) throws CommandFailed {
    String path = call.arguments().text("ENDPOINT", "");
    return kernel.capabilities().stream().filter(each -> each.holder().startsWith(path)).toList();
  }

  private List<TrustedBase.Trusted> trusted(Invocation call) throws CommandFailed {
    String path = call.arguments().text("ENDPOINT");
    List<String> paths = kernel.endpoints().stream().map(EndpointReport::path).toList();
    if (!paths.contains(path)) {
      throw new CommandFailed("there is no endpoint '" + path + "'" + Near.hint(path, paths));
    }
    return new TrustedBase(context, kernel).of(path);
  }

  /**
   * A prediction.
   *
   * @param dies what dies
   * @param stalls guests that stall when they need it
   * @param goesOn guests that do not notice
   * @param because the shortest way from the first guest that stalls to what dies
   */
  record Liability(String dies, String stalls, String goesOn, String because) {}

  private List<Liability> liability(Invocation call) throws CommandFailed {
    Map<String, List<String>> subjects = subjects(call.arguments().text("WHAT", ""));
    Dependence graph = new Dependence(kernel.capabilities());
    List<Liability> rows = new ArrayList<>();
    subjects.forEach(
        (name, dead) -> {
          Map<String, String> stalled = stalled(graph, dead);
          TreeSet<String> others = new TreeSet<>(graph.guests());
          others.removeAll(stalled.keySet());
          rows.add(
              new Liability(
                  name,
                  String.join(" ", stalled.keySet()),
                  String.join(" ", others),
                  stalled.isEmpty() ? "" : stalled.values().iterator().next()));
        });
    return rows;
  }

  /** Who stalls, by the graph, when these endpoints are dead. */
  public static Map<String, String> stalled(Dependence graph, List<String> dead) {
    return graph.stalled(dead, SCHEDULER::equals);
  }

  private Map<String, List<String>> subjects(String what) throws CommandFailed {
    Map<String, List<String>> all = new TreeMap<>();
    for (EndpointReport each : kernel.endpoints()) {
      all.put(each.path(), List.of(each.path()));
    }
    if (what.isEmpty()) {
      return all;
    }
    List<String> dead = endpoints(kernel, what);
    if (dead.isEmpty()) {
      throw new CommandFailed(
          "there is no endpoint, server or bundle '" + what + "'" + Near.hint(what, all.keySet()));
    }
    return Map.of(what, dead);
  }

  /** The endpoints that a word means: itself, or all that a server or a bundle serves. */
  public static List<String> endpoints(Observation kernel, String what) {
    List<String> found = new ArrayList<>();
    for (EndpointReport each : kernel.endpoints()) {
      if (each.path().equals(what)) {
        return List.of(what);
      }
    }
    for (ServerReport each : kernel.servers()) {
      String bundle = each.bundle().split(" ", 2)[0];
      if ((each.name().equals(what)
              || bundle.equals(what)
              || Long.toString(each.bundleId()).equals(what))
          && !each.protocols().contains("Engine")) {
        found.addAll(each.endpoints());
      }
    }
    return found;
  }
}
