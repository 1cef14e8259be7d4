package duality.kernel;

/**
 * An edge of the capability graph: who holds what.
 *
 * @param holder path of the endpoint that holds it
 * @param target what it leads to: the path of an endpoint, or the name of a kernel object
 * @param kind simple name of the target's protocol or kind: {@code Store}, {@code Space}, …
 * @param call whether the holder can call it: it leads to an endpoint of lower rank. Upwards there
 *     are notifications only
 * @param via how: {@code slot NAME}, {@code held}; {@code pager} and {@code handler} when the core
 *     goes there on behalf of the holder's spaces and threads; {@code scheduler} and {@code engine}
 *     when its threads are scheduled and executed by it; {@code control} for the authority over the
 *     kernel
 */
public record CapabilityReport(
    String holder, String target, String kind, boolean call, String via) {}
