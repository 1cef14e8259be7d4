package duality.fuzz;

import duality.clock.ClintServer;
import duality.clock.RtcServer;
import duality.drivers.InterruptController;
import duality.drivers.MacAddress;
import duality.drivers.MmioDevice;
import duality.drivers.Network;
import duality.drivers.Slots;
import duality.drivers.Store;
import duality.drivers.testing.TestBoard;
import duality.drivers.testing.TestConsole;
import duality.drivers.testing.TestStore;
import duality.finisher.FinisherServer;
import duality.kernel.CallFailed;
import duality.kernel.Notification;
import duality.kernel.Server;
import duality.net.learning.SwitchServer;
import duality.plic.PlicServer;
import duality.uart.UartServer;
import duality.virtio.blk.BlkServer;
import duality.virtio.console.ConsoleServer;
import duality.virtio.net.NetServer;
import duality.virtio.rng.RngServer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Each device of a machine on a board without a hart: thousands of inputs a second. There are two
 * disks, one as before VIRTIO 1.0, and two cards at one switch.
 */
public final class DeviceTarget implements Target {
  private static final int DISK_BYTES = 64 << 10;
  private static final long SETTLED_NANOS = 20_000_000_000L;

  private final TestBoard board = new TestBoard();
  private final List<MmioDevice> devices = new ArrayList<>();
  private final List<Boolean> virtio = new ArrayList<>();
  private final Notification finish;
  private final Guest guest = new Guest();
  private final Complaints complaints = new Complaints(board.core());

  /** A board with one device of each kind. */
  public DeviceTarget() {
    InterruptController wires = board.wires();
    Notification uartEvents = board.notification("uart-events");
    add(
        "uart",
        new UartServer(),
        false,
        Map.of(Slots.SOURCE, "10"),
        Map.of(
            Slots.INTERRUPTS,
            wires,
            Slots.BACKEND,
            new TestConsole().attach(board, "uart-far", uartEvents, 0),
            Slots.EVENTS,
            uartEvents));
    Notification hart = board.notification("hart");
    add("clint", new ClintServer(), false, Map.of(Slots.HARTS, "1"), Map.of("hart0", hart));
    add("rtc", new RtcServer(), false, Map.of(Slots.SOURCE, "11"), Map.of("interrupts", wires));
    finish = board.notification("finish");
    add("finisher", new FinisherServer(), false, Map.of(), Map.of(Slots.FINISH, finish));
    board.core().register("plic", new PlicServer(), InterruptController.class);
    InterruptController plic =
        board.child(
            "plic",
            InterruptController.class,
            "plic",
            Map.of(Slots.HARTS, "1"),
            Map.of("hart0", hart));
    devices.add(asDevice(plic));
    virtio.add(false);
    Notification diskEvents = board.notification("disk-events");
    Store store = new TestStore(new byte[DISK_BYTES], false, 16).attach(board, "store", diskEvents);
    add(
        "disk",
        new BlkServer(),
        true,
        Map.of(Slots.SOURCE, "1"),
        Map.of(
            Slots.INTERRUPTS,
            wires,
            Slots.BACKEND,
            store,
            Slots.EVENTS,
            diskEvents,
            Slots.MEMORY,
            board.memory()));
    Notification portEvents = board.notification("port-events");
    add(
        "ports",
        new ConsoleServer(),
        true,
        Map.of(Slots.SOURCE, "8", "name1", "agent"),
        Map.of(
            Slots.INTERRUPTS,
            wires,
            Slots.MEMORY,
            board.memory(),
            Slots.EVENTS,
            portEvents,
            Slots.BACKEND + 0,
            new TestConsole().attach(board, "far0", portEvents, 0),
            Slots.BACKEND + 1,
            new TestConsole().attach(board, "far1", portEvents, 1)));
    add(
        "random",
        new RngServer(),
        true,
        Map.of(Slots.SOURCE, "2"),
        Map.of(Slots.INTERRUPTS, wires, Slots.MEMORY, board.memory()));
    Notification oldEvents = board.notification("old-disk-events");
    add(
        "old-disk",
        new BlkServer(),
        true,
        Map.of(Slots.SOURCE, "3", "legacy", "true"),
        Map.of(
            Slots.INTERRUPTS,
            wires,
            Slots.BACKEND,
            new TestStore(new byte[DISK_BYTES], false, 16).attach(board, "old-store", oldEvents),
            Slots.EVENTS,
            oldEvents,
            Slots.MEMORY,
            board.memory()));
    board.core().register("switch", new SwitchServer(), Network.class);
    Network network = board.child("switch", Network.class, "switch", Map.of(), Map.of());
    card("card", network, wires, "false");
    card("old-card", network, wires, "true");
  }

  private void card(String name, Network network, InterruptController wires, String legacy) {
    long address = MacAddress.of(name, 0);
    add(
        name,
        new NetServer(),
        true,
        Map.of(Slots.SOURCE, "4", "mac", MacAddress.text(address), "legacy", legacy),
        Map.of(
            Slots.INTERRUPTS,
            wires,
            Slots.MEMORY,
            board.memory(),
            Slots.EVENTS,
            board.notification(name + "-events"),
            Slots.BACKEND,
            board.badged(network, Network.class, address)));
  }

  private void add(
      String name,
      Server server,
      boolean speaksVirtio,
      Map<String, String> config,
      Map<String, Object> endowment) {
    board.core().register(name, server, MmioDevice.class);
    devices.add(board.child(name, MmioDevice.class, name, config, endowment));
    virtio.add(speaksVirtio);
  }

  private static MmioDevice asDevice(InterruptController controller) {
    return new MmioDevice() {
      @Override
      public long load(long offset, int width) {
        return controller.load(offset, width);
      }

      @Override
      public void store(long offset, int width, long value) {
        controller.store(offset, width, value);
      }

      @Override
      public void reset() {
        controller.reset();
      }
    };
  }

  @Override
  public void run(byte[] input) {
    DeviceScript.run(new Input(input), guest);
    // Whatever state they are in, a reset brings them back, and lent memory with them.
    devices.forEach(MmioDevice::reset);
    long end = System.nanoTime() + SETTLED_NANOS;
    while (board.openGrants() != 0) {
      if (System.nanoTime() > end) {
        throw new IllegalStateException(board.openGrants() + " grants of memory are left");
      }
      Thread.yield();
    }
    finish.take(-1, 0);
  }

  @Override
  public List<String> complaints() {
    return complaints.fresh();
  }

  @Override
  public void close() {
    board.close();
  }

  private final class Guest implements DeviceScript.Guest {
    @Override
    public int devices() {
      return devices.size();
    }

    @Override
    public boolean virtio(int device) {
      return virtio.get(device);
    }

    @Override
    public void load(int device, long offset, int width) {
      try {
        long value = devices.get(device).load(offset, width);
        if (width < 8 && value >>> 8 * width != 0) {
          throw new IllegalStateException("a load of " + width + " bytes gave more: " + value);
        }
      } catch (CallFailed.BadRequest refused) {
        // An access fault for the guest.
      }
    }

    @Override
    public void store(int device, long offset, int width, long value) {
      try {
        devices.get(device).store(offset, width, value);
      } catch (CallFailed.BadRequest refused) {
        // As above.
      }
    }

    @Override
    public void poke(long address, int width, long value) {
      long at = address - TestBoard.MEMORY;
      if (at < 0 || at > TestBoard.MEMORY_BYTES - 8) {
        return;
      }
      switch (width) {
        case 1 -> board.ram().setByte(at, (int) value);
        case 2 -> board.ram().setShort(at & -2, (int) value);
        case 4 -> board.ram().setInt(at & -4, (int) value);
        default -> board.ram().setLong(at & -8, value);
      }
    }
  }
}
