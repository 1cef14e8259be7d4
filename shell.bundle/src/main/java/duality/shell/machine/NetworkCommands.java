package duality.shell.machine;

import duality.drivers.MacAddress;
import duality.drivers.Network;
import duality.kernel.CallFailed;
import duality.servers.Root;
import duality.shell.command.Command;
import duality.shell.command.CommandFailed;
import duality.shell.command.CommandGroup;
import duality.shell.command.Invocation;
import duality.shell.command.Kind;
import duality.shell.command.Syntax;
import duality.shell.text.Near;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** Looks at the networks between machines. */
@Component(service = NetworkCommands.class, immediate = true)
public final class NetworkCommands extends CommandGroup {
  private static final String FOLDER = "net/";
  private static final String NETWORK = "NETWORK";
  private static final int MOST_CARDS = 4;

  private final Root root;
  private final Machines machines;

  /** With root, which knows the networks, and the machines. */
  @Activate
  public NetworkCommands(@Reference Root root, @Reference Machines machines) {
    this.root = root;
    this.machines = machines;
  }

  @Override
  public List<Command> commands() {
    return List.of(
        new Command(
            Syntax.of("vm", "networks", "Lists the networks and what went through their cards.")
                .mayTake(NETWORK, Kind.NETWORK, "only this one")
                .note("A card is there while its guest's driver is; vm:run --net plugs one in.")
                .note("dropped: there was no room for it; refused: too long, too short, forged."),
            this::list));
  }

  /**
   * A card of a network.
   *
   * @param card the machine and the number of the card, empty when it is no machine's
   */
  record Line(
      String network,
      String card,
      String address,
      long sent,
      long sentBytes,
      long received,
      long receivedBytes,
      long dropped,
      long refused) {}

  private List<Line> list(Invocation call) throws CommandFailed {
    List<String> networks =
        root.paths(Network.class).stream()
            .filter(path -> path.startsWith(FOLDER))
            .map(path -> path.substring(FOLDER.length()))
            .sorted()
            .toList();
    if (call.arguments().has(NETWORK)) {
      String wanted = call.arguments().text(NETWORK);
      if (!networks.contains(wanted)) {
        throw new CommandFailed(
            "there is no network '"
                + wanted
                + "'"
                + (networks.isEmpty() ? "; vm:run --net makes one" : Near.hint(wanted, networks)));
      }
      networks = List.of(wanted);
    }
    Map<String, String> owners = owners();
    List<Line> lines = new ArrayList<>();
    for (String network : networks) {
      for (Network.Card card : cards(network)) {
        lines.add(
            new Line(
                network,
                owners.getOrDefault(card.address(), ""),
                card.address(),
                card.sentFrames(),
                card.sentBytes(),
                card.receivedFrames(),
                card.receivedBytes(),
                card.dropped(),
                card.refused()));
      }
    }
    return lines;
  }

  private List<Network.Card> cards(String network) {
    try {
      return root.connect(FOLDER + network, Network.class).report().cards();
    } catch (CallFailed.Revoked gone) {
      return List.of();
    }
  }

  /** A card's address follows from its machine's name. */
  private Map<String, String> owners() {
    Map<String, String> owners = new HashMap<>();
    for (String machine : machines.names()) {
      for (int i = 0; i < MOST_CARDS; i++) {
        owners.put(MacAddress.text(MacAddress.of(machine, i)), machine + "/net" + i);
      }
    }
    return owners;
  }
}
