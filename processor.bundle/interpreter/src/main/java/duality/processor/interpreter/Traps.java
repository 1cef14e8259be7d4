package duality.processor.interpreter;

import duality.kernel.processor.Exit;
import java.lang.invoke.VarHandle;

/**
 * Traps as the guest sees them (RISC-V Priv. §3.1.6 to 3.1.9, §4.1.1, §4.1.3): taken and returned
 * from.
 */
final class Traps {
  static final long SIE = 1L << 1;
  static final long MIE = 1L << 3;
  private static final long SPIE = 1L << 5;
  private static final long MPIE = 1L << 7;
  private static final long SPP = 1L << 8;
  static final int MPP_SHIFT = 11;
  static final long MPP = 3L << MPP_SHIFT;
  static final long MPRV = 1L << 17;

  /** Interrupts from the most urgent to the least: MEI, MSI, MTI, SEI, SSI, STI. */
  private static final int[] PRIORITY = {11, 3, 7, 9, 1, 5};

  private static final long INTERRUPT = 1L << 63;

  private final Context c;
  private final Mmu mmu;

  // The exception before this one: the same one twice without an instruction between never ends.
  private long lastPc;
  private long lastCause;
  private long lastRetired = -1;

  Traps(Context c, Mmu mmu) {
    this.c = c;
    this.mmu = mmu;
  }

  /**
   * Delivers the exception in {@code trapCause} and {@code trapValue} at pc. Answers false, with an
   * exit noted instead, when it repeats itself without progress.
   */
  boolean take() {
    long cause = c.trapCause;
    if (lastRetired == c.retired && lastPc == c.pc && lastCause == cause) {
      c.leave(Exit.EXCEPTION, c.trapValue, 0, 0, 0);
      c.pending = Context.NONE;
      return false;
    }
    lastRetired = c.retired;
    lastPc = c.pc;
    lastCause = cause;
    boolean toS = c.privilege != Context.M && (!c.firmware || (c.medeleg >>> cause & 1) != 0);
    enter(cause, c.trapValue, toS, 0);
    return true;
  }

  /** Whether an interrupt would be taken now. */
  boolean interruptReady() {
    return deliverable() != 0;
  }

  /** Interrupts that are pending and enabled by mie and by mstatus for this privilege. */
  private long deliverable() {
    long ready = c.mip() & c.mie;
    if (ready == 0) {
      return 0;
    }
    long delegated = c.firmware ? c.mideleg : -1;
    long toM = ready & ~delegated;
    if (toM != 0 && (c.privilege < Context.M || (c.mstatus & MIE) != 0)) {
      return toM;
    }
    long toS = ready & delegated;
    boolean enabled = c.privilege < Context.S || c.privilege == Context.S && (c.mstatus & SIE) != 0;
    return enabled ? toS : 0;
  }

  /** Takes the most urgent interrupt that is ready. */
  void interrupt() {
    long ready = deliverable();
    if (ready == 0) {
      return;
    }
    // What was written before the line was raised is seen by the handler; the look at it was
    // opaque.
    VarHandle.acquireFence();
    for (int number : PRIORITY) {
      if ((ready >>> number & 1) != 0) {
        boolean toS = !c.firmware || (c.mideleg >>> number & 1) != 0;
        enter(INTERRUPT | number, 0, toS, number);
        return;
      }
    }
  }

  private void enter(long cause, long value, boolean toS, int number) {
    long status = c.mstatus;
    long vector;
    if (toS) {
      c.scause = cause;
      c.stval = value;
      c.sepc = c.pc;
      status = put(status, SPIE, (status & SIE) != 0);
      status = put(status, SPP, c.privilege == Context.S) & ~SIE;
      vector = c.stvec;
      c.privilege = Context.S;
    } else {
      c.mcause = cause;
      c.mtval = value;
      c.mepc = c.pc;
      status = put(status, MPIE, (status & MIE) != 0);
      status = status & ~(MPP | MIE) | (long) c.privilege << MPP_SHIFT;
      vector = c.mtvec;
      c.privilege = Context.M;
    }
    c.mstatus = status;
    c.pc = (vector & -4) + ((vector & 1) != 0 && cause < 0 ? 4L * number : 0);
    mmu.select();
  }

  private static long put(long status, long bit, boolean set) {
    return set ? status | bit : status & ~bit;
  }

  /** {@code sret}, known to be allowed. */
  void returnFromS() {
    long status = c.mstatus;
    int to = (status & SPP) != 0 ? Context.S : Context.U;
    status = put(status, SIE, (status & SPIE) != 0);
    status = (status | SPIE) & ~(SPP | MPRV);
    goBack(to, status, c.sepc);
  }

  /** {@code mret}, known to be allowed. */
  void returnFromM() {
    long status = c.mstatus;
    int to = (int) (status >>> MPP_SHIFT) & 3;
    status = put(status, MIE, (status & MPIE) != 0);
    status = (status | MPIE) & ~MPP;
    goBack(to, to == Context.M ? status : status & ~MPRV, c.mepc);
  }

  private void goBack(int to, long status, long pc) {
    c.mstatus = status;
    c.privilege = to;
    c.pc = pc;
    mmu.select();
  }
}
