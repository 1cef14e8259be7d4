package duality.processor.interpreter;

import duality.kernel.processor.Exit;
import duality.kernel.processor.Hart;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.HartState;
import duality.kernel.processor.Lines;
import duality.kernel.processor.Memory;
import java.util.function.LongSupplier;

/**
 * A hart that is interpreted: runs the {@link Execution}, and between its slices delivers traps and
 * interrupts.
 */
final class InterpretedHart implements Hart {
  /** Instructions between two looks at the interrupt lines: about 10 µs. */
  private static final int SLICE = 4096;

  /** Instructions between two looks at the clock, when traps cut slices short. */
  private static final int CLOCK_INTERVAL = 2048;

  private static final long FENCES = Lines.FENCE | Lines.FENCE_CODE;
  private static final long NO_INTERRUPTS = Lines.ATTENTION | FENCES;

  private final Context c;
  private final Mmu mmu;
  private final Traps traps;
  private final Execution execution;
  private final HartRecord record;
  private final Csrs csrs;
  private long nextClock;

  InterpretedHart(HartMode mode, Memory memory, Lines lines, LongSupplier clock) {
    c = new Context(mode, memory, lines, clock);
    c.privilege = c.user ? Context.U : Context.M;
    c.firmware = !c.user;
    mmu = new Mmu(c);
    traps = new Traps(c, mmu);
    csrs = new Csrs(c, mmu);
    execution = new Execution(c, mmu, new SystemUnit(c, mmu, traps, csrs));
    record = new HartRecord(c, csrs);
    if (c.user) {
      csrs.write(0x003, 0);
      c.scounteren = Context.COUNTERS;
    }
    mmu.select();
  }

  @Override
  public int run(long budget) {
    mmu.enter();
    long end = c.retired + Math.max(0, budget);
    if (end < c.retired) {
      end = Long.MAX_VALUE;
    }
    nextClock = c.retired;
    for (; ; ) {
      long wires = c.lines.word();
      if ((wires & NO_INTERRUPTS) != 0) {
        if ((wires & FENCES) != 0) {
          fence();
        }
        if ((wires & Lines.ATTENTION) != 0) {
          return Exit.ATTENTION;
        }
      }
      if (c.user ? c.mie != 0 && interrupted() : !awake()) {
        return c.user ? Exit.INTERRUPT : Exit.WAIT;
      }
      if (c.triggers.armed) {
        if (c.triggers.stepped(c.retired)) {
          return stopped(Exit.STEPPED);
        }
        if (c.triggers.at(c.pc)) {
          return stopped(Exit.BREAKPOINT);
        }
      }
      if (c.retired >= end) {
        return Exit.BUDGET;
      }
      int slice = c.triggers.slow(c.pc) ? 1 : SLICE;
      if (execution.execute((int) Math.min(slice, end - c.retired)) == Execution.PENDING) {
        int pending = c.pending;
        c.pending = Context.NONE;
        if (pending == Context.EXIT) {
          return c.exit;
        }
        if (c.user) {
          c.exitAddress = c.trapValue;
          return Exit.EXCEPTION;
        }
        if (!traps.take()) {
          return Exit.EXCEPTION;
        }
        c.triggers.trapped();
        end--; // an endless row of traps uses its budget up, too
      }
    }
  }

  /**
   * Another hart's fence. The line is lowered first: what it was raised for happened before, and is
   * seen from here on; what is raised from here on is another fence.
   */
  private void fence() {
    long asked = c.lines.lower(FENCES);
    if ((asked & Lines.FENCE) != 0) {
      mmu.tlb.flush();
    }
    if ((asked & Lines.FENCE_CODE) != 0) {
      mmu.fenceCode();
    }
  }

  /** Leaves for a debugger, before the instruction at pc. */
  private int stopped(int why) {
    c.trapCause = why;
    c.exitAddress = c.pc;
    return Exit.EXCEPTION;
  }

  /** User mode: whether there is an interrupt that it leaves for. */
  private boolean interrupted() {
    if (c.triggers.masked()) {
      return false;
    }
    if (c.retired >= nextClock && (c.mie & Lines.STIP) != 0) {
      nextClock = c.retired + CLOCK_INTERVAL;
      c.compareTimer();
    }
    return c.rings.interruptible() && c.interruptPending();
  }

  /** Takes an interrupt when one is due; answers whether the hart has something to execute. */
  private boolean awake() {
    if (c.triggers.masked()) {
      c.waiting = false;
      return true;
    }
    if (c.retired >= nextClock || c.waiting) {
      nextClock = c.retired + CLOCK_INTERVAL;
      c.compareTimer();
    }
    if (c.waiting) {
      c.lines.wordAcquire();
      if (!c.interruptPending()) {
        return false;
      }
      c.waiting = false;
    }
    long pc = c.pc;
    traps.interrupt();
    if (c.pc != pc) {
      c.triggers.trapped();
    }
    return true;
  }

  @Override
  public long exitAddress() {
    return c.exitAddress;
  }

  @Override
  public int exitAccess() {
    return c.exitAccess;
  }

  @Override
  public int exitWidth() {
    return c.exitWidth;
  }

  @Override
  public long exitValue() {
    return c.exitValue;
  }

  @Override
  public int exitCause() {
    return (int) c.trapCause;
  }

  @Override
  public void completeLoad(long value) {
    long record = c.record;
    int op = Decoder.op(record);
    int rd = Decoder.rd(record);
    switch (op) {
      case Ops.FLW -> {
        c.f[rd] = value | 0xffffffff00000000L;
        c.makeFloatDirty();
      }
      case Ops.FLD -> {
        c.f[rd] = value;
        c.makeFloatDirty();
      }
      default -> c.x[rd] = Execution.extend(op, value);
    }
    advance();
  }

  @Override
  public void completeStore() {
    advance();
  }

  @Override
  public void completeCall() {
    advance();
  }

  private void advance() {
    c.pc += Decoder.length(c.record);
    c.retired++;
    c.record = 0;
  }

  @Override
  public void refuse() {
    if (!c.user) {
      traps.take();
      c.triggers.trapped();
    }
  }

  @Override
  public long wakeNanos() {
    return c.sstc() ? c.wakeNanos : Long.MAX_VALUE;
  }

  @Override
  public boolean interruptPending() {
    c.compareTimer();
    return c.interruptPending();
  }

  @Override
  public long x(int register) {
    return register == 0 ? 0 : c.x[checked(register)];
  }

  @Override
  public void x(int register, long value) {
    if (checked(register) != 0) {
      c.x[register] = value;
    }
  }

  private static int checked(int register) {
    if (register < 0 || register > 31) {
      throw new IllegalArgumentException("there is no register x" + register);
    }
    return register;
  }

  @Override
  public long pc() {
    return c.pc;
  }

  @Override
  public void pc(long value) {
    c.pc = value & -2;
    c.record = 0; // whatever instruction was under way is not finished any more
    c.triggers.trapped();
  }

  @Override
  public void csr(int number, long value) {
    if (!c.user || !csrs.writeUser(number, value)) {
      throw new IllegalArgumentException(
          "register 0x" + Integer.toHexString(number) + " is none that a hart in user mode has");
    }
  }

  @Override
  public void memory(Memory memory) {
    mmu.use(memory);
  }

  @Override
  public long instructions() {
    return c.retired;
  }

  @Override
  public HartState save() {
    return record.save();
  }

  @Override
  public void restore(HartState state) {
    boolean armed = c.triggers.armed;
    record.restore(state);
    if (armed || c.triggers.armed) {
      mmu.forgetAll();
    }
    mmu.forget();
    mmu.select();
  }
}
