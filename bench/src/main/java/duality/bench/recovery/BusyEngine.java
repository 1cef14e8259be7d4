package duality.bench.recovery;

import duality.kernel.processor.Engine;
import duality.kernel.processor.Exit;
import duality.kernel.processor.Hart;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.HartState;
import duality.kernel.processor.Lines;
import duality.kernel.processor.Memory;
import java.util.Map;
import java.util.function.LongSupplier;

/** An engine whose harts always have something to do, and count how often they could. */
final class BusyEngine implements Engine {
  private static final long TURN_NANOS = 100_000;

  @Override
  public Hart hart(HartMode mode, Memory memory, Lines lines, LongSupplier clock) {
    return new BusyHart(clock);
  }

  private static final class BusyHart implements Hart {
    private final LongSupplier clock;
    private volatile long turns;

    BusyHart(LongSupplier clock) {
      this.clock = clock;
    }

    @Override
    public void csr(int number, long value) {}

    @Override
    public void memory(Memory memory) {}

    @Override
    @SuppressWarnings("NonAtomicVolatileUpdate") // one writer: the processor that runs it
    public int run(long budget) {
      long end = clock.getAsLong() + TURN_NANOS;
      while (clock.getAsLong() - end < 0) {
        Thread.onSpinWait();
      }
      turns++;
      return Exit.BUDGET;
    }

    @Override
    public long instructions() {
      return turns;
    }

    @Override
    public long exitAddress() {
      return 0;
    }

    @Override
    public int exitAccess() {
      return 0;
    }

    @Override
    public int exitWidth() {
      return 0;
    }

    @Override
    public long exitValue() {
      return 0;
    }

    @Override
    public int exitCause() {
      return 0;
    }

    @Override
    public void completeLoad(long value) {}

    @Override
    public void completeStore() {}

    @Override
    public void completeCall() {}

    @Override
    public void refuse() {}

    @Override
    public long wakeNanos() {
      return Long.MAX_VALUE;
    }

    @Override
    public boolean interruptPending() {
      return false;
    }

    @Override
    public long x(int register) {
      return 0;
    }

    @Override
    public void x(int register, long value) {}

    @Override
    public long pc() {
      return 0;
    }

    @Override
    public void pc(long value) {}

    @Override
    public HartState save() {
      return new HartState(
          HartMode.USER, false, 0, 0, false, new long[32], new long[32], Map.of(), 0);
    }

    @Override
    public void restore(HartState state) {}
  }
}
