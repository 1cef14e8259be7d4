package duality.shell.kernel;

import duality.kernel.EndpointReport;
import duality.kernel.Observation;
import duality.servers.CostDial;
import duality.servers.Swapper;
import duality.shell.command.Command;
import duality.shell.command.CommandFailed;
import duality.shell.command.CommandGroup;
import duality.shell.command.Invocation;
import duality.shell.command.Kind;
import duality.shell.command.Notice;
import duality.shell.command.Syntax;
import duality.shell.text.Span;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** Makes calls dearer. */
@Component(service = DialCommands.class, immediate = true)
public final class DialCommands extends CommandGroup {
  private static final String OFF = "off";
  private static final String HAND_OFF = "hand-off";

  private final Observation kernel;
  private final Swapper swapper;
  private final CostDial dial;

  /** With whom it asks. */
  @Activate
  public DialCommands(
      @Reference Observation kernel, @Reference Swapper swapper, @Reference CostDial dial) {
    this.kernel = kernel;
    this.swapper = swapper;
    this.dial = dial;
  }

  @Override
  public List<Command> commands() {
    return List.of(
        new Command(
            Syntax.of(
                    "kernel", "dial", "Makes each call to an endpoint dearer, while it is in use.")
                .mayTake("ENDPOINT", Kind.ENDPOINT, "its path; without one: lists what is set")
                .mayTake("COST", Kind.TEXT, "0ns to 100us, hand-off, or off")
                .note("hand-off: another host thread makes each call, the caller waits for it.")
                .note("A server in front of the present one is swapped in, and out again by off."),
            this::dial));
  }

  private @Nullable Object dial(Invocation call) throws CommandFailed {
    if (!call.arguments().has("ENDPOINT")) {
      return dial.settings();
    }
    String path = call.arguments().text("ENDPOINT");
    List<EndpointReport> all = kernel.endpoints();
    EndpointReport endpoint =
        all.stream().filter(each -> each.path().equals(path)).findFirst().orElse(null);
    if (endpoint == null) {
      throw KernelCommands.noEndpoint(path, all.stream().map(EndpointReport::path).toList());
    }
    boolean there = endpoint.server().endsWith(CostDial.SUFFIX);
    String cost = call.arguments().text("COST", "");
    if (cost.isEmpty()) {
      return dial.settings().stream().filter(each -> each.endpoint().equals(path)).toList();
    }
    if (cost.equals(OFF)) {
      if (!there) {
        throw new CommandFailed(path + " has no dial in front of " + endpoint.server());
      }
      dial.set(path, 0, false);
      return swap(path, behind(endpoint.server()), "no dial");
    }
    boolean handOff = cost.equals(HAND_OFF);
    if (handOff && endpoint.protocol().equals("VirtualMachine")
        || handOff && endpoint.protocol().equals("Personality")) {
      throw new CommandFailed(
          path + " handles the exits of threads: their own processor has to make its calls");
    }
    long nanos = handOff ? 0 : nanos(cost);
    dial.set(path, nanos, handOff);
    String said = handOff ? "another thread makes each call" : Span.show(nanos) + " a call more";
    if (there) {
      return (Notice) () -> path + ": " + said;
    }
    try {
      return swap(path, dial.before(endpoint.server()), said);
    } catch (IllegalArgumentException e) {
      throw new CommandFailed(String.valueOf(e.getMessage()));
    }
  }

  private static long nanos(String cost) throws CommandFailed {
    try {
      long nanos = Span.parse(cost).toNanos();
      if (nanos > CostDial.MOST_NANOS) {
        throw new IllegalArgumentException(
            "a call can cost at most " + Span.show(CostDial.MOST_NANOS) + " more");
      }
      return nanos;
    } catch (IllegalArgumentException e) {
      throw new CommandFailed(e.getMessage() + "; or hand-off, or off");
    }
  }

  /** The server that one of those stands in front of. */
  private static String behind(String front) {
    String name = front.replaceFirst("#.*", "");
    name = name.substring(0, name.length() - CostDial.SUFFIX.length());
    return name.replaceFirst("-([0-9]+)$", "#$1");
  }

  private Notice swap(String path, String server, String said) throws CommandFailed {
    Swapper.Swap swap = swapper.swapAll(List.of(new Swapper.Move(path, server, false)));
    if (!swap.done()) {
      throw new CommandFailed(path + " stays with " + swap.from() + ": " + swap.outcome());
    }
    return () -> path + ": " + said + ", held for " + Span.show(1000 * swap.pauseMicros());
  }
}
