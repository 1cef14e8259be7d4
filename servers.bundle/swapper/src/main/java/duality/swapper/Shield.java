package duality.swapper;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * While gates are closed: a processor of the host for the thread that swaps, alone of this process.
 *
 * <p>Everybody at the gate waits for that thread, of which the host knows nothing. Whatever short
 * thing interrupts it, the host then goes on with whom it owes most, and that is a compiler of the
 * JVM or a guest's processor, until its next tick (1 to 4 ms). So all others are sent to the other
 * processors of the host meanwhile. That needs no privilege, unlike a better priority; and unlike a
 * worse one for them it can be taken back, and harms them for no longer than a swap takes.
 *
 * <p>When gates stay closed for long, because calls inside do not end or a new server hangs, it is
 * lowered before they open ({@link #lowerOld}), after about half a second.
 *
 * <p>A thread inherits the processors of the one that starts it. So those that began meanwhile are
 * looked at when the shield is lowered.
 *
 * <p>Linux, sched_setaffinity(2), and what cpuset(7) is used for in real-time systems. Elsewhere,
 * and where there is but one processor, it does nothing.
 */
final class Shield {
  private static final Path TASKS = Path.of("/proc/self/task");

  /** Links to the current thread's own directory. */
  private static final Path OWN = Path.of("/proc/thread-self");

  /** Processors of a host in one set, as in the C library's own. */
  private static final int MOST = 1024;

  private static final long LONG_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  private static final MethodHandle SET =
      function(
          "sched_setaffinity", ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS);
  private static final MethodHandle GET =
      function(
          "sched_getaffinity", ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS);
  private static final MethodHandle HERE = function("sched_getcpu");

  // Guarded by this:
  private final List<Integer> away = new ArrayList<>();
  private final Set<Integer> known = new HashSet<>();
  private BitSet all = new BitSet();
  private BitSet others = new BitSet();
  private boolean raised;
  private long raisedNanos;

  /** Called by the thread that swaps, before gates are closed. */
  synchronized void raise() {
    lower();
    int own = own();
    int here = here();
    all = processors(0);
    others = (BitSet) all.clone();
    if (own <= 0 || here < 0 || !all.get(here) || all.cardinality() == 1) {
      return;
    }
    others.clear(here);
    known.clear();
    known.addAll(threads());
    raised = true;
    raisedNanos = System.nanoTime();
    for (int thread : known) {
      // Who is kept on some processors on purpose stays there.
      if (thread != own && processors(thread).equals(all)) {
        processors(thread, others);
        away.add(thread);
      }
    }
  }

  /** When it was raised longer ago than any pause should take. */
  synchronized void lowerOld() {
    if (System.nanoTime() - raisedNanos > LONG_NANOS) {
      lower();
    }
  }

  /** Any thread may, and as often as it likes: after the gates are open again. */
  synchronized void lower() {
    if (!raised) {
      return;
    }
    raised = false;
    away.forEach(each -> processors(each, all));
    away.clear();
    // Again until there are none: what is freed here may have started others before.
    boolean found = true;
    while (found) {
      found = false;
      for (int thread : threads()) {
        if (known.add(thread) && processors(thread).equals(others)) {
          processors(thread, all);
          found = true;
        }
      }
    }
  }

  private static Set<Integer> threads() {
    Set<Integer> found = new HashSet<>();
    try (Stream<Path> tasks = Files.list(TASKS)) {
      tasks.forEach(each -> found.add(Integer.parseInt(each.getFileName().toString())));
    } catch (IOException | UncheckedIOException e) {
      // Who was not found stays where it is.
    }
    return found;
  }

  /** The host's number of the current thread; 0 when nobody says. */
  private static int own() {
    try {
      return Integer.parseInt(Files.readSymbolicLink(OWN).getFileName().toString());
    } catch (IOException e) {
      return 0;
    }
  }

  /** The processor that the current thread runs on; -1 when nobody says. */
  private static int here() {
    try {
      return (int) HERE.invokeExact();
    } catch (Throwable e) {
      throw new IllegalStateException("sched_getcpu", e);
    }
  }

  /**
   * On which processors a thread may run; 0 is the current one. None when it has ended, or nobody
   * says.
   */
  static BitSet processors(int thread) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment set = arena.allocate(MOST / 8, 8);
      int failed = (int) GET.invokeExact(thread, set.byteSize(), set);
      return failed != 0 ? new BitSet() : BitSet.valueOf(set.asByteBuffer());
    } catch (Throwable e) {
      throw new IllegalStateException("sched_getaffinity", e);
    }
  }

  static void processors(int thread, BitSet processors) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment set = arena.allocate(MOST / 8, 8);
      byte[] bits = processors.toByteArray();
      MemorySegment.copy(bits, 0, set, ValueLayout.JAVA_BYTE, 0, bits.length);
      // It fails when the thread has ended, which does no harm.
      int unused = (int) SET.invokeExact(thread, set.byteSize(), set);
    } catch (Throwable e) {
      throw new IllegalStateException("sched_setaffinity", e);
    }
  }

  /** That function of the C library; where it cannot be called, one that fails. */
  private static MethodHandle function(String name, ValueLayout... parameters) {
    FunctionDescriptor shape = FunctionDescriptor.of(ValueLayout.JAVA_INT, parameters);
    try {
      Linker linker = Linker.nativeLinker();
      MemorySegment found = linker.defaultLookup().find(name).orElse(MemorySegment.NULL);
      if (!found.equals(MemorySegment.NULL) && Files.exists(OWN)) {
        return linker.downcallHandle(found, shape);
      }
    } catch (UnsupportedOperationException | IllegalCallerException e) {
      // No foreign functions here.
    }
    return MethodHandles.dropArguments(
        MethodHandles.constant(int.class, -1), 0, shape.toMethodType().parameterList());
  }
}
