package duality.kernel.processor;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * One hardware thread, made by an {@link Engine}.
 *
 * <p><em>Concurrency:</em> not thread-safe; the kernel sees to it that one host thread at a time
 * uses a hart, with a happens-before edge between two of them. Only the {@link Lines} may be
 * touched at the same time.
 */
@ConsumerType
public interface Hart {
  /** Frequency of the {@code time} counter, as QEMU's {@code virt} has it: 10 MHz. */
  long TIMEBASE_HZ = 10_000_000;

  /**
   * Runs until something stops the hart.
   *
   * @param budget instructions after which to leave with {@link Exit#BUDGET}; exceeded by at most a
   *     few thousand
   * @return one of the constants of {@link Exit}
   */
  int run(long budget);

  /** The address of the last exit, see {@link Exit}. */
  long exitAddress();

  /** {@link Memory#READ}, WRITE or EXECUTE of the last {@link Exit#FAULT} or MMIO exit. */
  int exitAccess();

  /** Width in bytes of the last MMIO exit: 1, 2, 4 or 8. */
  int exitWidth();

  /** Value of the last {@link Exit#MMIO_STORE}, zero-extended from its width. */
  long exitValue();

  /** RISC-V exception cause of the last {@link Exit#EXCEPTION}. */
  int exitCause();

  /** Finishes an {@link Exit#MMIO_LOAD} (extending as the instruction says) and advances pc. */
  void completeLoad(long value);

  /** Finishes an {@link Exit#MMIO_STORE} and advances pc. */
  void completeStore();

  /** Finishes an {@link Exit#CALL}, or in user mode an {@link Exit#EXCEPTION}: advances pc. */
  void completeCall();

  /**
   * Refuses the last FAULT or MMIO exit: a full hart takes the access fault that belongs to {@link
   * #exitAccess} (cause 1, 5 or 7); a hart in user mode is left as it is.
   */
  void refuse();

  /**
   * Host clock value at which the hart's own timer (stimecmp) becomes pending, or {@link
   * Long#MAX_VALUE} for never.
   */
  long wakeNanos();

  /** Whether an interrupt is pending and enabled in mie, so that a {@code wfi} would not wait. */
  boolean interruptPending();

  /** Register x0 to x31. */
  long x(int register);

  /** Sets register x1 to x31; x0 ignores it. */
  void x(int register, long value);

  /** The program counter. */
  long pc();

  /** Sets the program counter. */
  void pc(long value);

  /**
   * User mode: sets {@code sie}, {@code stimecmp}, {@code scounteren} or {@code sstatus} (its FS)
   * by number; what they mean is said in {@code KernelThread.csr}.
   *
   * @throws IllegalArgumentException when there is no such register, or the hart is a full one
   */
  void csr(int number, long value);

  /**
   * From now on runs in another space; the mode and everything else stay. An engine may keep what
   * it knows of the old one, as {@link Memory} says, for when it comes back.
   */
  void memory(Memory memory);

  /** Instructions retired since reset. */
  long instructions();

  /** Everything the hart is made of; the hart is not running. */
  HartState save();

  /**
   * Becomes what {@code state} says; translations and reservations are forgotten.
   *
   * @throws IllegalArgumentException when the state is malformed or of another mode
   */
  void restore(HartState state);
}
