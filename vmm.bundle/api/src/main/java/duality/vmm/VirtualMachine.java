package duality.vmm;

import duality.kernel.Idempotent;
import duality.kernel.Protocol;
import duality.kernel.TrapHandler;
import duality.kernel.processor.HartState;
import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * A machine: endpoint {@code vm/NAME}, its devices below it ({@code vm/NAME/blk0}, {@code
 * vm/NAME/console}, {@code vm/NAME/pager}, …).
 *
 * <p>Configuration keys of the endpoint: {@code memory} (bytes), {@code kernel}, {@code initrd}
 * (host files), {@code firmware} (a host file that starts in M-mode, or {@code none} for a kernel
 * that does so itself), {@code append} (kernel command line), {@code disk0} to {@code disk6} (host
 * file, with {@code ,ro} behind it for read-only), {@code store0} to {@code store6} (server of that
 * disk's store in place of the routed one), {@code net0} to {@code net3} (name of the network that
 * a card is plugged into), {@code rng} ({@code true}: a source of randomness), {@code image} (name
 * of the guest image, for reports), {@code weight}, {@code engine}, {@code agent} ({@code false}:
 * no port and no {@link GuestAgent} endpoint for one).
 */
@ConsumerType
@Protocol(rank = Protocol.MACHINE, deadlineMillis = 60_000, stallMillis = 3_000)
public interface VirtualMachine extends TrapHandler {
  /**
   * Loads the guest and starts it; no effect when it runs or is paused. A machine that has stopped
   * is switched on again.
   *
   * @throws duality.kernel.CallFailed.BadRequest when the guest's files cannot be loaded; the
   *     message says which and why
   */
  void start();

  /** Stops the harts where they are; guest time stands still. */
  void pause();

  /** Goes on after {@link #pause}. */
  void resume();

  /**
   * Ends the guest as by pulling the plug, after what it flushed is on disk; the machine can be
   * looked at.
   */
  void stop();

  /** What the machine is doing. */
  @Idempotent
  MachineReport report();

  // ---- for debuggers ----

  /** As the number of a hart: addresses are guest-physical. */
  int PHYSICAL = -1;

  /** Most bytes of one {@link #read} or {@link #write}. */
  int MOST_BYTES = 1 << 20;

  /**
   * A hart as it is now, in mode FULL. One that runs stands still for that moment.
   *
   * @param hart 0 to {@link MachineReport#harts} - 1
   * @throws duality.kernel.CallFailed.BadRequest when there is no such hart
   */
  @Idempotent
  HartState registers(int hart);

  /**
   * Sets a hart's registers; what is none of pc, privilege, x, f and the registers of S- and M-mode
   * stays as it is.
   *
   * @throws duality.kernel.CallFailed.BadRequest when the machine is not paused, or the state makes
   *     no sense
   */
  void setRegisters(int hart, HartState state);

  /**
   * Reads memory as a hart sees it: through its page tables, whatever rights they give. Devices are
   * not read.
   *
   * @param hart its number, or {@link #PHYSICAL}
   * @param length in bytes, at most {@link #MOST_BYTES}
   * @return as many bytes as there are before the first one that is no memory
   */
  @Idempotent
  byte[] read(int hart, long address, int length);

  /**
   * Writes memory as a hart sees it, whatever rights its page tables give. Harts see changed code
   * when they go on after a pause.
   *
   * @throws duality.kernel.CallFailed.BadRequest when a byte of it is no memory; none is written
   */
  void write(int hart, long address, byte[] bytes);

  /**
   * Says where the machine is to stop from now on, in place of all that was said before; an empty
   * list ends it. A stop is a pause: all harts are at rest, guest time stands still, {@link
   * #resume} goes on. A hart that goes on at the place at which it has stopped stops there again.
   * The guest cannot see any of it, and a swap of monitor or engine changes nothing.
   *
   * @param points at most 64
   */
  void stopAt(List<StopPoint> points);

  /** Whether it stands, and where it has stopped last. */
  @Idempotent
  Stop stopped();

  /**
   * Has one hart of a paused machine execute some instructions, while the others stay at rest and
   * guest time goes on; the machine is paused afterwards. Breakpoints are not minded; a watchpoint
   * ends it, as {@link #stopped} says then.
   *
   * @param count 1 to 100,000
   * @param interrupts whether interrupts may come meanwhile; a {@code wfi} waits for one then
   * @param millis how long it may take, at most 2,000
   * @return what was executed, in order; fewer than {@code count} when time was over, a watchpoint
   *     was met, the hart stopped or the guest ended
   * @throws duality.kernel.CallFailed.BadRequest when the machine is not paused
   */
  List<Step> step(int hart, int count, boolean interrupts, long millis);
}
