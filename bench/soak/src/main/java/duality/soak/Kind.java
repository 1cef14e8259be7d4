package duality.soak;

import duality.drivers.Console;
import duality.drivers.InterruptController;
import duality.drivers.MmioDevice;
import duality.drivers.Network;
import duality.drivers.Store;
import duality.servers.Root;
import duality.servers.Swapper;
import duality.vmm.GuestAgent;
import duality.vmm.VirtualMachine;
import java.util.List;
import java.util.function.BiFunction;

/**
 * A kind of component: where it is reached, who may serve it, and a harmless call to it.
 *
 * @param name what it is called in the table
 * @param path its endpoint, in which {@code %} stands for the machine's path
 * @param servers names of its servers; one that is swapped for itself is a new instance all the
 *     same
 * @param limitMicros what its pause may be at the 99th percentile
 * @param probe makes the harmless call for an endpoint; does nothing where there is none
 */
record Kind(
    String name,
    String path,
    List<String> servers,
    long limitMicros,
    BiFunction<Root, String, Runnable> probe) {
  private static final long MILLISECOND = 1_000;
  private static final BiFunction<Root, String, Runnable> NONE = (root, path) -> () -> {};

  /** All kinds; those that a machine has not are passed over. */
  static final List<Kind> ALL =
      List.of(
          new Kind(
              "scheduler",
              "scheduler",
              List.of("scheduler.fair", "scheduler.roundrobin"),
              MILLISECOND,
              NONE),
          new Kind("pager", "%/pager", List.of("pager.demand", "pager.pinned"), MILLISECOND, NONE),
          device("plic", "%/plic", "plic", Kind::plic),
          device("uart", "%/uart", "uart", Kind::scratch),
          device("rtc", "%/rtc", "rtc", Kind::nothingThere),
          device("clint", "%/clint", "clint", Kind::nothingThere),
          device("finisher", "%/finisher", "finisher", Kind::nothingThere),
          device("virtio.blk", "%/blk0", "virtio.blk", Kind::magic),
          device("virtio.console", "%/ports", "virtio.console", Kind::magic),
          device("store.file", "%/store0", "store.file", Kind::store),
          device("console.host", "%/console", "console.host", Kind::console),
          device("port", "%/agent-port", "console.host", Kind::console),
          device("agent", "%/agent", "agent", Kind::agent),
          device("virtio.rng", "%/rng", "virtio.rng", Kind::magic),
          device("virtio.net", "%/net0", "virtio.net", Kind::magic),
          device("net.switch", "net/soak", "net.switch", Kind::network),
          new Kind("vmm", "%", List.of("vmm.machine"), 20 * MILLISECOND, Kind::machine),
          new Kind("swapper", "swapper", List.of("swapper"), MILLISECOND, Kind::swapper),
          new Kind("supervisor", "supervisor", List.of("supervisor"), MILLISECOND, NONE));

  private static Kind device(
      String name, String path, String server, BiFunction<Root, String, Runnable> probe) {
    return new Kind(name, path, List.of(server), MILLISECOND, probe);
  }

  /** Its endpoint's path under a machine. */
  String path(String machine) {
    return path.replace("%", machine);
  }

  private static Runnable plic(Root root, String path) {
    InterruptController plic = root.connect(path, InterruptController.class);
    return () -> plic.load(0, 4); // the priority of source 0, which is not there
  }

  private static Runnable scratch(Root root, String path) {
    MmioDevice device = root.connect(path, MmioDevice.class);
    return () -> device.load(7, 1);
  }

  private static Runnable nothingThere(Root root, String path) {
    MmioDevice device = root.connect(path, MmioDevice.class);
    return () -> device.load(0xff0, 4);
  }

  private static Runnable magic(Root root, String path) {
    MmioDevice device = root.connect(path, MmioDevice.class);
    return () -> device.load(0, 4);
  }

  private static Runnable store(Root root, String path) {
    Store store = root.connect(path, Store.class);
    return store::readOnly;
  }

  private static Runnable network(Root root, String path) {
    Network network = root.connect(path, Network.class);
    return network::longestFrame;
  }

  private static Runnable console(Root root, String path) {
    Console console = root.connect(path, Console.class);
    return console::position;
  }

  private static Runnable agent(Root root, String path) {
    GuestAgent agent = root.connect(path, GuestAgent.class);
    return agent::ready;
  }

  private static Runnable machine(Root root, String path) {
    VirtualMachine machine = root.connect(path, VirtualMachine.class);
    return machine::report;
  }

  private static Runnable swapper(Root root, String path) {
    Swapper swapper = root.connect(path, Swapper.class);
    return swapper::history;
  }
}
