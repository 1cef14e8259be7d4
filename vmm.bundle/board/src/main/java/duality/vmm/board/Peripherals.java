package duality.vmm.board;

import duality.drivers.Console;
import duality.drivers.MmioDevice;
import duality.kernel.Context;
import duality.kernel.KernelThread;
import duality.kernel.Notification;
import duality.kernel.Space;
import java.util.List;

/** What a machine has around its hart and memory. */
interface Peripherals {
  /** Those that a kind of guest wants. */
  static Peripherals of(
      GuestKind kind,
      Context context,
      MachineSettings settings,
      Space memory,
      List<KernelThread> harts,
      Notification finish) {
    return kind.ofTheBoard()
        ? new Devices(context, settings, memory, harts, finish)
        : new SplitDevices(context, settings, harts.getFirst());
  }

  /** Which device answers at which address. */
  Bus bus();

  /** The far end of the machine's serial line. */
  Console console();

  /** The device in front of it, from which firmware calls get input. */
  MmioDevice uart();

  /** Which virtio-mmio transports there are, as bits. */
  int virtioSlots();

  /** All devices become what they are at power-on, and what the guest's programs did is lost. */
  void reset();

  /** The guest is no more: who waits for its programs need not wait any longer. */
  void guestEnded();

  /** The core-local interruptor's time is the guest's from now on. */
  void time(long guestNanos);

  /** Back halves of split drivers. */
  List<Parts.SplitDriver> splitDrivers();

  /** One line for each device. */
  String describe(String machine);
}
