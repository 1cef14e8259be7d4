package duality.soak;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;

/**
 * Notices when the host gives the processors to somebody else.
 *
 * <p>Two ways, both of which ask whether this process used less than nine tenths of all processors
 * meanwhile, because else it has kept itself waiting. A thread that waited for a processor ({@code
 * run_delay} of {@code /proc/thread-self/schedstat}, in ns) was kept out by another process: the
 * one that asked for a swap, or the one that did it, which the swap itself says. And while a
 * watching thread, which sleeps a millisecond at a time, woke up late, another process or a
 * hypervisor had a processor that others of our threads may have needed.
 */
final class Processor implements AutoCloseable {
  private static final Path SCHEDSTAT = Path.of("/proc/thread-self/schedstat");
  private static final long WATCH_NANOS = 1_000_000;
  private static final long LATE_NANOS = 300_000;
  private static final long DELAY_NANOS = 50_000;
  private static final int PROCESS_CLOCK = 2; // CLOCK_PROCESS_CPUTIME_ID
  private static final MethodHandle CLOCK =
      Linker.nativeLinker()
          .downcallHandle(
              Linker.nativeLinker().defaultLookup().findOrThrow("clock_gettime"),
              FunctionDescriptor.of(
                  ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS));

  private final int processors = Runtime.getRuntime().availableProcessors();
  private final Thread watcher;
  private volatile boolean closed;

  /** Time that the watcher was late for, in all; written by the watcher only. */
  private volatile long takenNanos;

  Processor() {
    watcher = Thread.ofPlatform().daemon().name("soak processor watch").start(this::watch);
  }

  /** The current thread's and the process's use of the processors at one moment. */
  record Use(long nanos, long delayNanos, long processNanos, long takenNanos) {}

  Use now() {
    return new Use(System.nanoTime(), delayNanos(), processNanos(), takenNanos);
  }

  /**
   * How long, since {@code before}, the host gave processors to others that we had use for.
   *
   * @param swapWaitedNanos how long the thread that swapped waited for a processor
   */
  long takenNanos(Use before, long swapWaitedNanos) {
    Use now = now();
    long delay = Math.max(now.delayNanos - before.delayNanos, swapWaitedNanos);
    boolean keptOut =
        delay > DELAY_NANOS
            && spare(now.nanos - before.nanos, now.processNanos - before.processNanos);
    return Math.max(keptOut ? delay : 0, now.takenNanos - before.takenNanos);
  }

  /** Whether a process that used {@code own} in {@code wall} has not used all processors. */
  private boolean spare(long wall, long own) {
    return own * 10 < wall * processors * 9;
  }

  private void watch() {
    while (!closed) {
      long before = System.nanoTime();
      long used = processNanos();
      LockSupport.parkNanos(WATCH_NANOS);
      long wall = System.nanoTime() - before;
      if (wall > WATCH_NANOS + LATE_NANOS && spare(wall, processNanos() - used)) {
        takenNanos = takenNanos + wall - WATCH_NANOS;
      }
    }
  }

  private static long delayNanos() {
    try {
      String[] fields = Files.readString(SCHEDSTAT).split(" ", -1);
      return Long.parseLong(fields[1]);
    } catch (IOException e) {
      return 0; // a kernel without it: the watcher alone has to notice
    }
  }

  private static long processNanos() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment time = arena.allocate(16, 8);
      int failed = (int) CLOCK.invokeExact(PROCESS_CLOCK, time);
      return failed != 0
          ? 0
          : time.get(ValueLayout.JAVA_LONG, 0) * 1_000_000_000L
              + time.get(ValueLayout.JAVA_LONG, 8);
    } catch (Throwable e) {
      throw new IllegalStateException("clock_gettime", e);
    }
  }

  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(watcher);
  }
}
