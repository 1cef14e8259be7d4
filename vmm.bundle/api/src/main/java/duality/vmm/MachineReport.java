package duality.vmm;

/**
 * What a machine is doing.
 *
 * @param name its name
 * @param image the guest image
 * @param state {@code created}, {@code running}, {@code paused}, {@code stopped}, or {@code failed:
 *     …}
 * @param memoryBytes guest memory
 * @param residentBytes of that, backed by frames
 * @param harts number of harts
 * @param cpuNanos processor time used
 * @param instructions instructions retired
 * @param upNanos guest time since it started, pauses left out
 * @param hartStates its harts: thread, whether it is started, what it does, instructions; one per
 *     line
 * @param devices its devices: name, address, interrupt and endpoint, one per line
 * @param overhead what its monitor did for the guest, counted and timed, one kind per line; empty
 *     when the monitor only watches
 */
public record MachineReport(
    String name,
    String image,
    String state,
    long memoryBytes,
    long residentBytes,
    int harts,
    long cpuNanos,
    long instructions,
    long upNanos,
    String hartStates,
    String devices,
    String overhead) {}
