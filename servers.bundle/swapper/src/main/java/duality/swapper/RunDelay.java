package duality.swapper;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * How long the host has let the current thread wait for a processor, in all: the second number of
 * {@code /proc/thread-self/schedstat} (Linux, proc(5), sched-stats). Looked at before gates close
 * and after they are open again, so that a pause can be told from a host that was busy with others.
 */
final class RunDelay {
  private static final Path SCHEDSTAT = Path.of("/proc/thread-self/schedstat");

  private RunDelay() {}

  /** In nanoseconds; 0 where the host does not say. */
  static long nanos() {
    try {
      return Long.parseLong(Files.readString(SCHEDSTAT).split(" ", 3)[1]);
    } catch (IOException | NumberFormatException | ArrayIndexOutOfBoundsException e) {
      return 0;
    }
  }
}
