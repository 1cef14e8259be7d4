package duality.servers;

/**
 * What a native program is doing.
 *
 * @param name its endpoint's path, such as {@code task/1}
 * @param file host path of the program
 * @param state {@code created}, {@code running} or {@code exited}
 * @param status exit status, 0 to 255; 128 and the signal's number when it was ended by a fault or
 *     by {@link Personality#stop}; -1 while it has not ended
 * @param reason why it ended, empty when it did so itself
 * @param thread number of its thread, for {@code kernel:threads}
 * @param calls system calls served
 * @param unserved of these, calls that are not there and were answered with ENOSYS
 * @param cpuNanos processor time used
 * @param instructions instructions retired
 * @param residentBytes memory that is backed by frames; what it was at the end, when it has ended
 * @param memoryBytes memory it may use
 */
public record TaskReport(
    String name,
    String file,
    String state,
    int status,
    String reason,
    int thread,
    long calls,
    long unserved,
    long cpuNanos,
    long instructions,
    long residentBytes,
    long memoryBytes) {
  /** Whether it has ended. */
  public boolean ended() {
    return state.equals("exited");
  }
}
