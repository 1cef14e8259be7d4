package duality.kernel.core;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The barrier between callers, who are many and quick, and a drainer, who is rare.
 *
 * <p>A caller writes its slot and then reads whether the gate is open; a drainer closes the gate
 * and then reads the slots. Each needs its store to be visible before its load is made. On Linux
 * the drainer alone pays for both: {@code membarrier(PRIVATE_EXPEDITED)} makes every running thread
 * of the process execute a full fence, so that a caller's store is cheap. Elsewhere each caller
 * stores with a fence. Chosen once, when the class is initialised; {@code duality.call.guard=fence}
 * chooses the second.
 *
 * <p>Linux, membarrier(2); the idea: Dice, Huang, Yang, "Asymmetric Dekker Synchronization", 2001.
 */
final class CallGuard {
  private static final long PRIVATE_EXPEDITED = 1 << 3;
  private static final long REGISTER_PRIVATE_EXPEDITED = 1 << 4;

  /** Number of the system call by {@code os.arch}. */
  private static final Map<String, Long> NUMBERS =
      Map.of("amd64", 324L, "aarch64", 283L, "riscv64", 283L);

  private static final @Nullable MethodHandle MEMBARRIER = membarrier();

  /** Whether {@link #everywhere} is a fence for all threads, so that callers need none. */
  static final boolean ASYMMETRIC = MEMBARRIER != null;

  private CallGuard() {}

  /** What it is called in reports. */
  static String kind() {
    return ASYMMETRIC ? "membarrier" : "fence";
  }

  /**
   * After it the caller of this method sees all slots that were written by calls which did not see
   * what was stored before it.
   */
  static void everywhere() {
    if (MEMBARRIER == null) {
      VarHandle.fullFence();
    } else if (invoke(MEMBARRIER, PRIVATE_EXPEDITED) != 0) {
      // It was registered, so the kernel has no reason to refuse; going on would lose calls.
      throw new IllegalStateException("membarrier is refused by the host, though registered");
    }
  }

  private static @Nullable MethodHandle membarrier() {
    Long number = NUMBERS.get(System.getProperty("os.arch", ""));
    if (number == null
        || !System.getProperty("os.name", "").equals("Linux")
        || System.getProperty("duality.call.guard", "").equals("fence")) {
      return null;
    }
    try {
      Linker linker = Linker.nativeLinker();
      MemorySegment function = linker.defaultLookup().find("syscall").orElse(null);
      if (function == null) {
        return null;
      }
      MethodHandle call =
          linker.downcallHandle(
              function,
              FunctionDescriptor.of(
                  ValueLayout.JAVA_LONG,
                  ValueLayout.JAVA_LONG,
                  ValueLayout.JAVA_LONG,
                  ValueLayout.JAVA_LONG),
              Linker.Option.firstVariadicArg(1));
      MethodHandle bound =
          java.lang.invoke.MethodHandles.insertArguments(call, 0, number.longValue());
      return invoke(bound, REGISTER_PRIVATE_EXPEDITED) == 0 ? bound : null;
    } catch (UnsupportedOperationException | IllegalCallerException e) {
      return null;
    }
  }

  private static long invoke(MethodHandle membarrier, long command) {
    try {
      return (long) membarrier.invokeExact(command, 0L);
    } catch (Throwable e) {
      throw new IllegalStateException("membarrier cannot be called", e);
    }
  }
}
