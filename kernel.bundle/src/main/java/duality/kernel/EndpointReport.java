package duality.kernel;

/**
 * An endpoint's counters and condition.
 *
 * @param path its path
 * @param protocol simple name of its protocol
 * @param server name of the bound server, empty when vacant
 * @param condition {@code open}, {@code held}, {@code vacant}, {@code failed: …}
 * @param calls calls that entered
 * @param inside calls and workers inside now
 * @param failures calls that ended in {@link CallFailed} other than BadRequest
 * @param notifications bits taken by its workers, counted by takes
 * @param waited calls that waited at the gate
 * @param busyNanos processor time inside, calls that it made to others not counted; a sample of the
 *     watchdog's looks, 5 ms apart, so a few milliseconds mean nothing
 */
public record EndpointReport(
    String path,
    String protocol,
    String server,
    String condition,
    long calls,
    int inside,
    long failures,
    long notifications,
    long waited,
    long busyNanos) {}
