package duality.vmm.board;

import duality.kernel.Context;
import duality.kernel.KernelThread;

/**
 * What a {@link VirtualHart} is made of and works with.
 *
 * @param context of the machine's endpoint
 * @param thread the thread that is the hart
 * @param memory the guest's physical memory
 * @param bus its devices
 * @param machine the machine itself
 */
public record Parts(
    Context context, KernelThread thread, GuestMemory memory, Bus bus, MachineCalls machine) {
  /** Spaces of a machine's endpoint that belong to the way its hart is run are named so. */
  public static final String SHADOW = "shadow";

  /** Most of them, numbered from 0. */
  public static final int MOST_SHADOWS = 128;

  /** A space of the endpoint in which nothing is. */
  public static final String NOWHERE = "nowhere";

  /** What a hart may ask of its machine. */
  public interface MachineCalls {
    /**
     * The guest has called its firmware, with its arguments in the registers.
     *
     * @return what the thread does next, as {@link duality.kernel.TrapHandler}
     */
    int firmware();

    /** The hart cannot go on: the machine ends as failed, for that reason. */
    void halt(String why);
  }

  /** Makes the hart: what a monitor is for. */
  @FunctionalInterface
  public interface Monitor {
    /** The hart; its thread is left as it is. */
    VirtualHart hart(Parts parts);
  }

  /** Ends the spaces that a predecessor's way of running the hart needed; nobody runs there. */
  public void dropShadows() {
    for (int i = 0; i < MOST_SHADOWS; i++) {
      context.removeSpace(SHADOW + i);
    }
  }
}
