package duality.kernel;

import java.util.List;

/**
 * A registered server.
 *
 * @param name its name, such as {@code scheduler.fair}
 * @param protocols simple names of the protocols it serves
 * @param bundle symbolic name and version of its bundle
 * @param bundleId its bundle's number
 * @param endpoints paths of the endpoints it serves now
 */
public record ServerReport(
    String name, List<String> protocols, String bundle, long bundleId, List<String> endpoints) {}
