package duality.kernel.processor;

/**
 * Why a hart left the engine. The hart's state is complete in the hart at that moment: nothing of
 * it is on a host stack.
 */
public final class Exit {
  /** The budget is used up. */
  public static final int BUDGET = 0;

  /** {@link Lines#ATTENTION} was raised. The engine does not lower it. */
  public static final int ATTENTION = 1;

  /**
   * The hart waits for an interrupt ({@code wfi}; pc is behind it) and none is pending and enabled.
   * {@link Hart#wakeNanos} says when its own timer will be.
   */
  public static final int WAIT = 2;

  /**
   * A page has no frame with the right needed: {@link Hart#exitAddress} is the address in the core
   * space, {@link Hart#exitAccess} one of {@link Memory#READ}, WRITE, EXECUTE. pc is at the
   * instruction; running again repeats it. In full mode this is also reported for a page table
   * walk.
   */
  public static final int FAULT = 3;

  /**
   * Full mode: load from an address in no region of the space. pc is at the instruction; finish it
   * by {@link Hart#completeLoad} or {@link Hart#refuse}.
   */
  public static final int MMIO_LOAD = 4;

  /**
   * Full mode: store to an address in no region. pc is at the instruction; finish it by {@link
   * Hart#completeStore} or {@link Hart#refuse}.
   */
  public static final int MMIO_STORE = 5;

  /**
   * User mode: {@code ecall}. Full mode: {@code ecall} from S-mode of a hart without firmware
   * (SBI). pc is at the ecall; finish it by {@link Hart#completeCall}.
   */
  public static final int CALL = 6;

  /**
   * User mode: any other exception; {@link Hart#exitCause} is the RISC-V cause (Priv. table 3.6),
   * {@link Hart#exitAddress} the trap value. pc is at the instruction. Full mode: an exception that
   * nobody can take, because the hart has no firmware and the exception comes from M-mode or
   * repeats itself without progress.
   */
  public static final int EXCEPTION = 7;

  /**
   * User mode: an interrupt is pending that the hart's {@code sie} has a bit for. None is taken; it
   * leaves again until that changes.
   */
  public static final int INTERRUPT = 8;

  /**
   * Cause of an {@link #EXCEPTION} that is none of the program's: the hart's {@code dcsr} asks for
   * single steps, and one is over. pc is at the next instruction.
   */
  public static final int STEPPED = -2;

  /**
   * Cause of an {@link #EXCEPTION} that is none of the program's: pc is at an instruction that a
   * trigger of the hart ({@code tdata1.N}, {@code tdata2.N}) is about; running again meets it
   * again.
   */
  public static final int BREAKPOINT = -3;

  /** The same before an access to data; {@link Hart#exitAddress} is its first byte. */
  public static final int WATCHPOINT = -4;

  private Exit() {}
}
