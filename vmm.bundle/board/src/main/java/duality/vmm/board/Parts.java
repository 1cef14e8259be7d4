package duality.vmm.board;

import duality.drivers.BackEnd;
import duality.drivers.Console;
import duality.kernel.Context;
import duality.kernel.KernelThread;
import duality.kernel.Notification;
import duality.kernel.Space;
import java.util.List;

/**
 * What a {@link VirtualHart} is made of and works with.
 *
 * @param context of the machine's endpoint
 * @param thread the thread that is the hart
 * @param memory the guest's physical memory
 * @param bus its devices
 * @param console the far end of its console
 * @param splitDrivers the back halves of split drivers, the console's first; none beside devices
 * @param machine the machine itself
 */
public record Parts(
    Context context,
    KernelThread thread,
    GuestMemory memory,
    Bus bus,
    Console console,
    List<SplitDriver> splitDrivers,
    MachineCalls machine) {
  Parts(
      Context context,
      KernelThread thread,
      GuestMemory memory,
      Peripherals devices,
      MachineCalls machine) {
    this(
        context, thread, memory, devices.bus(), devices.console(), devices.splitDrivers(), machine);
  }

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

    /** The guest ends, or begins anew; see {@link duality.drivers.Finish}. */
    void end(long bits);
  }

  /**
   * A split driver of the machine.
   *
   * @param name of its endpoint, below the machine's
   * @param backEnd its half outside of the guest
   * @param kicks where {@link BackEnd#KICK} is signalled
   * @param window the space in which it finds what is granted
   */
  public record SplitDriver(String name, BackEnd backEnd, Notification kicks, Space window) {}

  /** Makes the hart: what a monitor is for. */
  @FunctionalInterface
  public interface Monitor {
    /** The hart; its thread is left as it is. */
    VirtualHart hart(Parts parts);

    /**
     * The kind of guest that it runs: one that is written for it, or {@link #ANY}. Only monitors of
     * one kind can follow each other. All but {@link #ANY} have split drivers in place of devices.
     */
    default String kind() {
      return ANY;
    }

    /** A guest that is written for the board. */
    String ANY = "board";
  }

  /** A space of the endpoint in which pages granted to a split driver are. */
  static String window(String driver) {
    return "granted-" + driver;
  }

  /** Ends the spaces that a predecessor's way of running the hart needed; nobody runs there. */
  public void dropShadows() {
    for (int i = 0; i < MOST_SHADOWS; i++) {
      context.removeSpace(SHADOW + i);
    }
  }
}
