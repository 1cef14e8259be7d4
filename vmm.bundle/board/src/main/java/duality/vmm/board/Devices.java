package duality.vmm.board;

import duality.drivers.Console;
import duality.drivers.InterruptController;
import duality.drivers.MmioDevice;
import duality.drivers.Slots;
import duality.drivers.Store;
import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.KernelThread;
import duality.kernel.Notification;
import duality.kernel.Rights;
import duality.kernel.Space;
import duality.kernel.processor.Hart;
import duality.vmm.GuestAgent;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Makes the machine's device endpoints, each with no more capabilities than it needs, and finds
 * them again when a predecessor made them. Which server is behind each of them is not said here:
 * root's routing file decides by name.
 */
final class Devices implements Peripherals {
  private static final String PLIC = "plic";
  private static final String UART = "uart";
  private static final String CLINT = "clint";
  private static final String CONSOLE = "console";
  private static final String PORTS = "ports";
  private static final String AGENT_PORT = "agent-port";
  private static final String AGENT = "agent";
  private static final String RANDOM = "rng";

  /** Offset of {@code mtime}. */
  private static final long CLINT_TIME = 0xbff8;

  private static final long NANOS_PER_TICK = 1_000_000_000L / Hart.TIMEBASE_HZ;

  /** What the agent's port remembers, so that nothing is lost while the host is slow. */
  private static final String REMEMBERED_BYTES = Integer.toString(1 << 24);

  private final Context context;
  private final Space memory;
  private final Bus bus = new Bus();
  private final InterruptController plic;
  private final Console console;
  private final MmioDevice uart;
  private final List<GuestAgent> agents = new ArrayList<>();
  private final boolean legacy;
  private int virtioSlots;

  /** For firmware; null when the monitor is the firmware. */
  private @Nullable MmioDevice clint;

  /**
   * Makes them all.
   *
   * @param memory the machine's space, for DMA
   * @param harts whose interrupt lines the controllers drive
   * @param finish takes the notice that the machine is to end
   * @throws CallFailed when one cannot be made; the message says which
   */
  Devices(
      Context context,
      MachineSettings settings,
      Space memory,
      List<KernelThread> harts,
      Notification finish) {
    this.context = context;
    this.memory = memory;
    legacy = settings.legacy();
    Map<String, Object> lines = new HashMap<>();
    for (int i = 0; i < harts.size(); i++) {
      lines.put(Slots.HART + i, writable(harts.get(i).lines()));
    }
    Map<String, String> count = Map.of(Slots.HARTS, Integer.toString(harts.size()));
    plic = context.child(PLIC, InterruptController.class, count, lines);
    bus.add(PLIC, Board.PLIC, Board.PLIC_BYTES, plic);
    if (settings.startsInMachineMode()) {
      clint = context.child(CLINT, MmioDevice.class, count, lines);
      bus.add(CLINT, Board.CLINT, Board.CLINT_BYTES, 0, clint);
    }
    Notification events = context.notification(UART);
    console = console(CONSOLE, events, 0, Map.of());
    uart =
        context.child(
            UART,
            MmioDevice.class,
            Map.of(Slots.SOURCE, Integer.toString(Board.UART_SOURCE)),
            Map.of(Slots.INTERRUPTS, plic, Slots.BACKEND, console, Slots.EVENTS, events));
    bus.add(UART, Board.UART, Board.UART_BYTES, Board.UART_SOURCE, uart);
    rtcAndFinisher(finish);
    if (settings.agent()) {
      ports();
    }
    for (MachineSettings.Disk disk : settings.disks()) {
      disk(disk);
    }
    if (settings.random()) {
      virtio(RANDOM, Board.RANDOM_SLOT, context.notification(RANDOM), Map.of(), Map.of());
    }
    for (int number = 0; number < settings.networks().size(); number++) {
      if (!settings.networks().get(number).isEmpty()) {
        card(number, settings.networks().get(number));
      }
    }
    for (int slot = 0; slot < Board.FIRST_SLOTS; slot++) {
      if ((virtioSlots & 1 << slot) == 0) {
        bus.addEmpty(Board.virtio(slot), Board.DEVICE_BYTES, new EmptySlot(legacy));
      }
    }
  }

  @Override
  public Bus bus() {
    return bus;
  }

  @Override
  public Console console() {
    return console;
  }

  @Override
  public MmioDevice uart() {
    return uart;
  }

  @Override
  public int virtioSlots() {
    return virtioSlots;
  }

  @Override
  public void reset() {
    bus.reset();
    agents.forEach(GuestAgent::reset);
  }

  @Override
  public void guestEnded() {
    agents.forEach(GuestAgent::reset);
  }

  @Override
  public void time(long guestNanos) {
    MmioDevice there = clint;
    if (there != null) {
      there.store(CLINT_TIME, Long.BYTES, guestNanos / NANOS_PER_TICK);
    }
  }

  @Override
  public List<Parts.SplitDriver> splitDrivers() {
    return List.of();
  }

  @Override
  public String describe(String machine) {
    return bus.describe(machine);
  }

  private void rtcAndFinisher(Notification finish) {
    MmioDevice rtc =
        context.child(
            "rtc",
            MmioDevice.class,
            Map.of(Slots.SOURCE, Integer.toString(Board.RTC_SOURCE)),
            Map.of(Slots.INTERRUPTS, plic, Slots.EVENTS, context.notification("rtc")));
    bus.add("rtc", Board.RTC, Board.DEVICE_BYTES, Board.RTC_SOURCE, rtc);
    MmioDevice finisher =
        context.child(
            "finisher", MmioDevice.class, Map.of(), Map.of(Slots.FINISH, writable(finish)));
    bus.add("finisher", Board.FINISHER, Board.DEVICE_BYTES, 0, finisher);
  }

  /** Port 0, which the specification keeps for a console, stays empty; the agent has port 1. */
  private void ports() {
    Notification events = context.notification(PORTS);
    Console port = console(AGENT_PORT, events, 1, Map.of("remember", REMEMBERED_BYTES));
    virtio(
        PORTS,
        Board.PORTS_SLOT,
        events,
        Map.of("ports", "2", "name1", AGENT),
        Map.of(Slots.BACKEND + 1, port));
    agents.add(context.child(AGENT, GuestAgent.class, Map.of(), Map.of(Slots.BACKEND, port)));
  }

  private void disk(MachineSettings.Disk disk) {
    String name = "blk" + disk.slot();
    Notification events = context.notification(name);
    Store store =
        context.child(
            "store" + disk.slot(),
            Store.class,
            disk.config(),
            disk.endowment(context, writable(events)));
    virtio(name, disk.slot(), events, Map.of(), Map.of(Slots.BACKEND, store));
  }

  private void card(int number, String network) {
    String name = "net" + number;
    NetworkCard card = NetworkCard.of(context, number, network);
    virtio(
        name,
        Board.CARD_SLOT + number,
        context.notification(name),
        Map.of("mac", card.address()),
        Map.of(Slots.BACKEND, card.network()));
  }

  private void virtio(
      String name,
      int slot,
      Notification events,
      Map<String, String> settings,
      Map<String, Object> backends) {
    Map<String, String> config = new HashMap<>(settings);
    config.put(Slots.SOURCE, Integer.toString(Board.virtioSource(slot)));
    config.put("legacy", Boolean.toString(legacy));
    Map<String, Object> endowment = new HashMap<>(backends);
    endowment.put(Slots.INTERRUPTS, plic);
    endowment.put(Slots.EVENTS, events);
    endowment.put(Slots.MEMORY, context.derive(memory, Space.class, Rights.READ | Rights.WRITE, 0));
    MmioDevice device = context.child(name, MmioDevice.class, config, endowment);
    bus.add(name, Board.virtio(slot), Board.DEVICE_BYTES, Board.virtioSource(slot), device);
    virtioSlots |= 1 << slot;
  }

  private Console console(String name, Notification events, int bit, Map<String, String> settings) {
    Map<String, String> config = new HashMap<>(settings);
    config.put(Slots.EVENT_BIT, Integer.toString(bit));
    return context.child(name, Console.class, config, Map.of(Slots.EVENTS, writable(events)));
  }

  private Notification writable(Notification notification) {
    return context.derive(notification, Notification.class, Rights.WRITE, 0);
  }
}
