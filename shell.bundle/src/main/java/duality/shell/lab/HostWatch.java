package duality.shell.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Notices when the host gave the processors to others while something was measured: by a thread
 * that sleeps a millisecond at a time and wakes up late, and by {@code /proc/stat}, where there is
 * one. What this process did itself does not count, so a slow system cannot excuse itself.
 */
final class HostWatch implements AutoCloseable {
  private static final Path STAT = Path.of("/proc/stat");
  private static final long SLEEP_NANOS = 1_000_000;
  private static final long LATE_NANOS = 4_000_000;

  /** Part of a window in which the watching thread may be late. */
  private static final double MOST_LATE = 0.25;

  /** Part of all processors' time that others may have. */
  private static final double MOST_OTHERS = 0.5;

  /** Part of all processors' time above which this process has kept itself waiting. */
  private static final double FULL = 0.9;

  /** Fields of the first line of /proc/stat that are time of nobody: idle, iowait. */
  private static final int IDLE = 4;

  private static final int IO_WAIT = 5;

  /** User, nice, system, idle, iowait, irq, softirq, steal; guests' time is in user's. */
  private static final int LAST = 8;

  private static final double TICKS_A_SECOND = 100;

  private final int processors = Runtime.getRuntime().availableProcessors();
  private final Thread thread =
      Thread.ofPlatform().daemon().name("lab host watch").start(this::watch);
  private volatile boolean closed;

  /** Written by the thread only. */
  private volatile long lateNanos;

  /**
   * The host at one moment.
   *
   * @param nanos of the host's clock
   * @param lateNanos by how much the watching thread was late so far
   * @param busySeconds processor time of all so far, what a hypervisor took too; -1 unknown
   * @param ownSeconds of this process
   */
  record Moment(long nanos, long lateNanos, double busySeconds, double ownSeconds) {}

  Moment now() {
    double own =
        ProcessHandle.current().info().totalCpuDuration().map(Duration::toNanos).orElse(0L) / 1e9;
    return new Moment(System.nanoTime(), lateNanos, busySeconds(stat()), own);
  }

  /** Whether what was measured between the two says more of the host than of the system. */
  boolean disturbed(Moment begin, Moment end) {
    return disturbed(begin, end, processors);
  }

  static boolean disturbed(Moment begin, Moment end, int processors) {
    double wall = (end.nanos - begin.nanos) / 1e9;
    double own = Math.max(0, end.ownSeconds - begin.ownSeconds);
    boolean late =
        (end.lateNanos - begin.lateNanos) / 1e9 > MOST_LATE * wall
            && own < FULL * wall * processors;
    boolean known = begin.busySeconds >= 0 && end.busySeconds >= 0;
    double others = end.busySeconds - begin.busySeconds - own;
    return late || (known && others > MOST_OTHERS * wall * processors);
  }

  private static @Nullable String stat() {
    try (var lines = Files.lines(STAT)) {
      return lines.findFirst().orElse(null);
    } catch (IOException e) {
      return null; // no Linux: the watching thread alone has to notice
    }
  }

  /** Of the first line of /proc/stat. */
  static double busySeconds(@Nullable String line) {
    if (line == null || !line.startsWith("cpu ")) {
      return -1;
    }
    String[] fields = line.trim().split(" +", -1);
    double ticks = 0;
    for (int i = 1; i < fields.length && i <= LAST; i++) {
      ticks += i == IDLE || i == IO_WAIT ? 0 : Double.parseDouble(fields[i]);
    }
    return ticks / TICKS_A_SECOND;
  }

  private void watch() {
    while (!closed) {
      long before = System.nanoTime();
      LockSupport.parkNanos(SLEEP_NANOS);
      long late = System.nanoTime() - before - SLEEP_NANOS;
      if (late > LATE_NANOS) {
        lateNanos = lateNanos + late;
      }
    }
  }

  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(thread);
  }
}
