package duality.vmm;

import duality.kernel.Idempotent;
import duality.kernel.Protocol;
import duality.kernel.TrapHandler;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * A machine: endpoint {@code vm/NAME}, its devices below it ({@code vm/NAME/blk0}, {@code
 * vm/NAME/console}, {@code vm/NAME/pager}, …).
 *
 * <p>Configuration keys of the endpoint: {@code memory} (bytes), {@code kernel}, {@code initrd}
 * (host files), {@code firmware} (a host file that starts in M-mode, or {@code none} for a kernel
 * that does so itself), {@code append} (kernel command line), {@code disk0} to {@code disk6} (host
 * file, with {@code ,ro} behind it for read-only), {@code net0} to {@code net3} (name of the
 * network that a card is plugged into), {@code rng} ({@code true}: a source of randomness), {@code
 * image} (name of the guest image, for reports), {@code weight}, {@code engine}, {@code agent}
 * ({@code false}: no port and no {@link GuestAgent} endpoint for one).
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
}
