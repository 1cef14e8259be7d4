package duality.kernel;

import duality.kernel.processor.HartMode;
import duality.kernel.processor.HartState;
import org.osgi.annotation.versioning.ProviderType;

/**
 * A thread: one hart of a machine or one activity of a native program, and what a scheduler
 * schedules. (Named so because Java has a {@code Thread} of its own.)
 *
 * <p><em>Concurrency:</em> any thread. Registers may be touched while the thread is stopped in its
 * trap handler, or suspended; at other times that is a bad request.
 */
@ProviderType
public interface KernelThread {
  /** The thread's number, unique while the system runs. */
  int id();

  /** The thread's name: the endpoint's path, a colon and the name it was asked for. */
  String name();

  /** Lets it run: to be scheduled from now on. No effect when it is not suspended. */
  @Needs(Rights.CONTROL)
  void resume();

  /** Stops it and returns when it is out of the engine and out of its handlers. */
  @Needs(Rights.CONTROL)
  void suspend();

  /** Its share when processors are scarce, 1 to 10,000; 100 at first. */
  @Needs(Rights.CONTROL)
  void weight(int weight);

  /** Its interrupt lines, as a notification. */
  Notification lines();

  /**
   * What it does now: {@code READY}, {@code RUNNING}, {@code WAITING}, {@code SUSPENDED}, {@code
   * ENDED}, or, for the moment in which its hart goes to another engine, {@code MOVING}.
   */
  String state();

  /** Processor time used, in nanoseconds. */
  long cpuNanos();

  /** Instructions retired. */
  long instructions();

  /** Register x0 to x31. */
  @Needs(Rights.READ)
  long x(int register);

  /** Sets a register. */
  @Needs(Rights.WRITE)
  void x(int register, long value);

  /** Program counter. */
  @Needs(Rights.READ)
  long pc();

  /** Sets the program counter. */
  @Needs(Rights.WRITE)
  void pc(long value);

  /**
   * Sets a control and status register of a hart in user mode, by its number, as far as it has one:
   * {@code sie} (0x104), the interrupts with which it leaves the engine ({@link
   * TrapHandler#INTERRUPT}), none at first; {@code stimecmp} (0x14d), when its timer interrupt is
   * pending; {@code scounteren} (0x106), the counters that can be read, all at first; {@code
   * sstatus} (0x100), of which FS says whether floating point is on, as it is at first.
   *
   * <p>Rings, as x86 has them for a kernel and its programs in one space, with registers of the
   * draft extension N (RISC-V Priv. 1.11): {@code 0x800} and {@code 0x801}, first address and end
   * of what the outer ring may reach; different, they make two rings, and the hart is in the inner
   * one until its {@code uret}. {@code utvec} (0x005), where calls of the outer ring go on in the
   * inner one without leaving the engine; 0: they leave it (cause 8). {@code utval} (0x043) and
   * then {@code ucause} (0x042): has the hart take a trap with these values in the inner ring, to
   * be followed by {@link #pc}. A call of the inner ring leaves with cause 9; an access of the
   * outer one beside its segment with an access fault. Of its interrupts the inner ring is rid
   * while ustatus.UIE is clear.
   *
   * @throws CallFailed.BadRequest when the hart has no such register, or is a full one
   */
  @Needs(Rights.WRITE)
  void csr(int number, long value);

  /**
   * Lets it go on in another space, and in the other mode if that is wanted: then its hart is a new
   * one in reset state, to be followed by {@link #restore}. Number, lines and share stay.
   *
   * @param space needs {@link Rights#CONTROL} as well
   */
  @Needs(Rights.CONTROL)
  void enter(HartMode mode, Space space);

  /** Its whole state. */
  @Needs(Rights.READ)
  HartState save();

  /** Sets its whole state. */
  @Needs(Rights.WRITE)
  void restore(HartState state);
}
