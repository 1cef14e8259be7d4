package duality.vmm.board;

import duality.drivers.BackEnd;
import duality.drivers.Console;
import duality.drivers.MmioDevice;
import duality.drivers.Slots;
import duality.drivers.Store;
import duality.kernel.Context;
import duality.kernel.KernelThread;
import duality.kernel.Notification;
import duality.kernel.Rights;
import duality.kernel.Space;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a guest has that is written for its monitor: no device, but back halves of split drivers,
 * each in front of the same console or store that a device would stand in front of. A back half
 * reaches the pages that the guest granted to it, and nothing else of the guest's.
 */
final class SplitDevices implements Peripherals {
  private static final String CONSOLE = "console";

  /** Nothing is there: firmware calls of a guest that has none get no input. */
  private static final MmioDevice NOTHING =
      new MmioDevice() {
        @Override
        public long load(long offset, int width) {
          return 0;
        }

        @Override
        public void store(long offset, int width, long value) {}

        @Override
        public void reset() {}
      };

  private final Context context;
  private final KernelThread hart;
  private final Bus bus = new Bus();
  private final Console console;
  private final List<Parts.SplitDriver> drivers = new ArrayList<>();

  /** Makes them all, the console's first. */
  SplitDevices(Context context, MachineSettings settings, KernelThread hart) {
    this.context = context;
    this.hart = hart;
    Notification events = context.notification("vcon");
    console =
        context.child(
            CONSOLE,
            Console.class,
            Map.of(Slots.EVENT_BIT, "0"),
            Map.of(Slots.EVENTS, writable(events)));
    driver("vcon", events, console);
    for (MachineSettings.Disk disk : settings.disks()) {
      String name = "vbd" + disk.slot();
      Notification finished = context.notification(name);
      Store store =
          context.child(
              "store" + disk.slot(),
              Store.class,
              disk.config(),
              disk.endowment(context, writable(finished)));
      driver(name, finished, store);
    }
  }

  private void driver(String name, Notification events, Object behind) {
    Space window = context.space(Parts.window(name));
    if (!context.has(Parts.window(name))) {
      window.region(0, BackEnd.GRANTS, Rights.READ | Rights.WRITE);
      context.keep(Parts.window(name), window);
    }
    Map<String, Object> endowment = new HashMap<>();
    endowment.put(Slots.MEMORY, context.derive(window, Space.class, Rights.READ | Rights.WRITE, 0));
    endowment.put(Slots.BACKEND, behind);
    endowment.put(Slots.EVENTS, events);
    endowment.put(BackEnd.PORTS, writable(context.notification(BackEnd.PORTS)));
    endowment.put(Slots.HART + 0, writable(hart.lines()));
    BackEnd backEnd =
        context.child(
            name, BackEnd.class, Map.of(BackEnd.PORT, Integer.toString(drivers.size())), endowment);
    drivers.add(new Parts.SplitDriver(name, backEnd, events, window));
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
    return NOTHING;
  }

  @Override
  public int virtioSlots() {
    return 0;
  }

  @Override
  public void reset() {
    drivers.forEach(each -> each.backEnd().disconnect());
  }

  @Override
  public void guestEnded() {}

  @Override
  public void time(long guestNanos) {}

  @Override
  public List<Parts.SplitDriver> splitDrivers() {
    return List.copyOf(drivers);
  }

  @Override
  public String describe(String machine) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < drivers.size(); i++) {
      String name = drivers.get(i).name();
      text.append(name)
          .append(" split driver ")
          .append(i)
          .append(" at ")
          .append(machine)
          .append('/')
          .append(name)
          .append('\n');
    }
    return text.toString().stripTrailing();
  }

  private Notification writable(Notification notification) {
    return context.derive(notification, Notification.class, Rights.WRITE, 0);
  }
}
