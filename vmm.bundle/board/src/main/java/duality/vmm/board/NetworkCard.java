package duality.vmm.board;

import duality.drivers.MacAddress;
import duality.drivers.Network;
import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Rights;
import duality.servers.Root;
import java.util.Map;

/**
 * What a network card is plugged into: endpoint {@code net/NAME}, which is made when it is not
 * there.
 *
 * @param address the card's own, as a text
 * @param network the capability for it, with that address as its badge: it speaks for no other card
 */
record NetworkCard(String address, Network network) {
  private static final String NETWORKS = "net/";

  /** A successor of this monitor finds the network here, and does not ask for it again. */
  private static final String SLOT = "network";

  static NetworkCard of(Context context, int number, String name) {
    String machine = context.path().substring(context.path().lastIndexOf('/') + 1);
    long address = MacAddress.of(machine, number);
    if (!context.has(SLOT + number)) {
      context.keep(SLOT + number, find(context.slot("root", Root.class), NETWORKS + name));
    }
    Network network = context.slot(SLOT + number, Network.class);
    try {
      network = context.derive(network, Network.class, Rights.ALL, address);
    } catch (CallFailed.Revoked removed) {
      // The network is no more. The card is there already, and has to find out itself.
    }
    return new NetworkCard(MacAddress.text(address), network);
  }

  private static Network find(Root root, String path) {
    if (root.paths(Network.class).contains(path)) {
      return root.connect(path, Network.class);
    }
    try {
      return root.create(path, Network.class, Map.of());
    } catch (CallFailed.BadRequest refused) {
      if (root.paths(Network.class).contains(path)) {
        return root.connect(path, Network.class); // another machine was quicker
      }
      throw refused;
    }
  }
}
