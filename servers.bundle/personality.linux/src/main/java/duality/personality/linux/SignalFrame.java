package duality.personality.linux;

import duality.kernel.KernelThread;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.HartState;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/**
 * What a signal handler finds on its stack, and what brings the program back to where it was
 * (arch/riscv/kernel/signal.c, include/uapi/asm/{sigcontext,ucontext,ptrace}.h).
 *
 * <pre>
 *      0   siginfo, 128 bytes
 *    128   ucontext: flags, link, stack (16), mask (40), registers (176): pc, x1 to x31
 *    560   f0 to f31, fcsr
 *   1088   end
 * </pre>
 */
final class SignalFrame {
  private static final int BYTES = 1088;
  private static final int CONTEXT = 128;
  private static final int STACK = CONTEXT + 16;
  private static final int MASK = CONTEXT + 40;
  private static final int REGISTERS = CONTEXT + 176;
  private static final int FLOATS = REGISTERS + 256;
  private static final int FCSR = FLOATS + 256;
  private static final int RA = 1;
  private static final int SP = 2;
  private static final int A0 = 10;

  private SignalFrame() {}

  /** Lets the process go on in its handler of a signal. */
  static void enter(Process process, int signal) throws UserMemory.Fault {
    Signals signals = process.signals();
    Signals.Action action = signals.action(signal);
    Signals.Origin origin = signals.origin(signal);
    KernelThread thread = process.thread();
    HartState state = thread.save();
    long[] x = state.x();
    long top = x[SP];
    boolean onStack = top > signals.stack && top <= signals.stack + signals.stackBytes;
    if ((action.flags() & Signals.ON_STACK) != 0 && signals.stackBytes > 0 && !onStack) {
      top = signals.stack + signals.stackBytes;
    }
    long at = top - BYTES & -16;
    ByteBuffer frame = UserMemory.numbers(BYTES);
    frame.putInt(0, signal).putInt(8, origin.code());
    frame.putLong(16, origin.value()).putInt(24, origin.status());
    frame.putLong(STACK, signals.stack);
    frame.putInt(STACK + 8, signals.stackBytes == 0 ? 2 : 0); // SS_DISABLE
    frame.putLong(STACK + 16, signals.stackBytes);
    frame.putLong(REGISTERS, state.pc());
    for (int i = 1; i < 32; i++) {
      frame.putLong(REGISTERS + 8 * i, x[i]);
    }
    long[] f = state.f();
    for (int i = 0; i < 32; i++) {
      frame.putLong(FLOATS + 8 * i, f[i]);
    }
    frame.putInt(FCSR, (int) (long) state.csrs().getOrDefault("fcsr", 0L));
    long mask = signals.enter(signal, action);
    frame.putLong(MASK, mask);
    process.memory().write(at, frame);
    thread.x(RA, AddressSpace.TRAMPOLINE);
    thread.x(SP, at);
    thread.x(A0, signal);
    thread.x(A0 + 1, at);
    thread.x(A0 + 2, at + CONTEXT);
    thread.pc(action.handler());
  }

  /** System call rt_sigreturn: the stack pointer is where the handler found it. */
  static void leave(Process process) throws UserMemory.Fault {
    KernelThread thread = process.thread();
    ByteBuffer frame = process.memory().readNumbers(thread.x(SP), BYTES);
    HartState state = thread.save();
    long[] x = new long[32];
    long[] f = new long[32];
    for (int i = 0; i < 32; i++) {
      x[i] = i == 0 ? 0 : frame.getLong(REGISTERS + 8 * i);
      f[i] = frame.getLong(FLOATS + 8 * i);
    }
    Map<String, Long> csrs = new HashMap<>(state.csrs());
    csrs.put("fcsr", frame.getInt(FCSR) & 0xffL);
    process.signals().blocked(frame.getLong(MASK));
    thread.restore(
        new HartState(
            HartMode.USER,
            false,
            frame.getLong(REGISTERS) & -2,
            0,
            false,
            x,
            f,
            csrs,
            state.timeOffsetNanos()));
  }
}
