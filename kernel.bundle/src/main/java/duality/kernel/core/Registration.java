package duality.kernel.core;

import duality.kernel.Server;
import java.util.List;

/**
 * A server that is there to be opened; {@code loadClasses} initialises all classes of its bundle.
 */
record Registration(
    String name,
    List<String> protocols,
    Server server,
    String bundle,
    long bundleId,
    Runnable loadClasses) {}
