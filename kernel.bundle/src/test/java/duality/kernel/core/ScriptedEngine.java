package duality.kernel.core;

import duality.kernel.processor.Engine;
import duality.kernel.processor.Exit;
import duality.kernel.processor.Hart;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.HartState;
import duality.kernel.processor.Lines;
import duality.kernel.processor.Memory;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.function.ToIntFunction;

/** An engine whose harts do what a test says, so that every exit can be had when it is wanted. */
final class ScriptedEngine implements Engine {
  private final ToIntFunction<ScriptedHart> script;

  /** Each time a hart runs, {@code script} says by which exit it leaves. */
  ScriptedEngine(ToIntFunction<ScriptedHart> script) {
    this.script = script;
  }

  @Override
  public Hart hart(HartMode mode, Memory memory, Lines lines, LongSupplier clock) {
    return new ScriptedHart(memory, lines, clock);
  }

  /** A hart with registers and nothing else. */
  final class ScriptedHart implements Hart {
    Memory memory;
    volatile long interrupts = -1;
    final Lines lines;
    final LongSupplier clock;
    final long[] x = new long[32];
    volatile long runs;
    long pc;
    long address;
    int access;
    long wake = Long.MAX_VALUE;
    volatile long completed;
    volatile long refused;
    volatile long loaded;
    private volatile Thread inside;

    ScriptedHart(Memory memory, Lines lines, LongSupplier clock) {
      this.memory = memory;
      this.lines = lines;
      this.clock = clock;
    }

    @Override
    public int run(long budget) {
      if (inside != null) {
        throw new AssertionError("two host threads run one hart: " + inside);
      }
      inside = Thread.currentThread();
      try {
        runs++;
        return script.applyAsInt(this);
      } finally {
        inside = null;
      }
    }

    int fault(long faultAddress, int faultAccess) {
      address = faultAddress;
      access = faultAccess;
      return Exit.FAULT;
    }

    @Override
    public long exitAddress() {
      return address;
    }

    @Override
    public int exitAccess() {
      return access;
    }

    @Override
    public int exitWidth() {
      return 4;
    }

    @Override
    public long exitValue() {
      return 7;
    }

    @Override
    public int exitCause() {
      return 2;
    }

    @Override
    public void completeLoad(long value) {
      loaded = value;
      completed++;
    }

    @Override
    public void completeStore() {
      completed++;
    }

    @Override
    public void completeCall() {
      completed++;
    }

    @Override
    public void refuse() {
      refused++;
    }

    @Override
    public long wakeNanos() {
      return wake;
    }

    @Override
    public boolean interruptPending() {
      return (lines.wordAcquire() & 0xffff & interrupts) != 0;
    }

    @Override
    public long x(int register) {
      return x[register];
    }

    @Override
    public void x(int register, long value) {
      x[register] = value;
    }

    @Override
    public long pc() {
      return pc;
    }

    @Override
    public void pc(long value) {
      pc = value;
    }

    @Override
    public void csr(int number, long value) {
      if (number != 0x104) {
        throw new IllegalArgumentException("no register " + number);
      }
      interrupts = value;
    }

    @Override
    public void memory(Memory other) {
      memory = other;
    }

    @Override
    public long instructions() {
      return runs;
    }

    @Override
    public HartState save() {
      return new HartState(HartMode.USER, false, pc, 0, false, x, new long[32], Map.of(), 0);
    }

    @Override
    public void restore(HartState state) {
      System.arraycopy(state.x(), 0, x, 0, 32);
      pc = state.pc();
    }
  }
}
