package duality.kernel.core;

import duality.kernel.Server;
import java.util.List;

/** A server that is there to be opened. */
record Registration(
    String name, List<String> protocols, Server server, String bundle, long bundleId) {}
