package duality.kernel;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * Gets the exits of threads: implemented by machine monitors and personalities, whose protocols
 * extend this interface. Called on the processor, with the thread stopped; its registers may be
 * read and written through its {@link KernelThread}.
 */
@ConsumerType
public interface TrapHandler {
  /** The thread goes on. */
  int RESUME = 0;

  /** The thread is suspended, until somebody resumes it. */
  int SUSPEND = 1;

  /** The thread gives its processor up, and goes on when it is picked again. */
  int YIELD = 2;

  /** The call is finished: the thread goes on behind its ecall. */
  int RESUME_BEHIND = 3;

  /**
   * The instruction is finished, and the thread waits until one of its lines is raised or its timer
   * is due; it may go on earlier. For {@code wfi}.
   */
  int WAIT = 4;

  /** Cause of a trap that is no exception: an interrupt that a hart in user mode leaves for. */
  int INTERRUPT = -1;

  /**
   * A call or an exception.
   *
   * @param thread the thread's number
   * @param cause RISC-V exception cause: 8 (ecall from U) or 9 (from S) for calls; for an exception
   *     its own; a fault that the pager refused is 12, 13 or 15; or {@link #INTERRUPT}; or, for
   *     what a debugger asked for, those of {@link duality.kernel.processor.Exit}
   * @param value trap value: the address of a fault, the illegal instruction
   * @return {@link #RESUME}, {@link #SUSPEND}, {@link #YIELD}, {@link #RESUME_BEHIND} or {@link
   *     #WAIT}
   */
  int trap(int thread, int cause, long value);

  /**
   * A load outside of all regions.
   *
   * @param address guest-physical address
   * @param width bytes: 1, 2, 4 or 8
   * @return the value, of which the low {@code width} bytes count
   * @throws CallFailed.BadRequest when nothing is there: the hart takes an access fault
   */
  long load(int thread, long address, int width);

  /**
   * A store outside of all regions.
   *
   * @throws CallFailed.BadRequest when nothing is there: the hart takes an access fault
   */
  void store(int thread, long address, int width, long value);
}
