package duality.faults;

import java.util.Locale;

/** The kinds of component that faults go into. */
enum Component {
  SCHEDULER("scheduler", "duality.scheduler.fair", "scheduler.fair"),
  PAGER("vm/a/pager", "duality.pager.demand", "pager.demand"),
  PLIC("vm/a/plic", "duality.plic", "plic"),
  UART("vm/a/uart", "duality.uart", "uart"),
  CLOCK("vm/a/rtc", "duality.clock", "rtc"),
  BLOCK("vm/a/blk0", "duality.virtio.blk", "virtio.blk"),
  STORE("vm/a/store0", "duality.store.file", "store.file"),
  CONSOLE("vm/a/console", "duality.console.host", "console.host"),
  VMM("vm/a", "duality.vmm.machine", "vmm.machine"),
  SWAPPER("swapper", "duality.swapper", "swapper"),
  SUPERVISOR("supervisor", "duality.supervisor", "supervisor"),
  ROOT("root", "duality.root", "root");

  /** The endpoint where the mutant serves. */
  final String path;

  final String bundle;

  /** The good server. */
  final String server;

  Component(String path, String bundle, String server) {
    this.path = path;
    this.bundle = bundle;
    this.server = server;
  }

  /**
   * Whether its mutants come in by plain OSGi verbs: a second bundle with a server of the same name
   * takes over when the good one is stopped. For those that a swap itself needs.
   */
  boolean byName() {
    return compareTo(SWAPPER) >= 0;
  }

  String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  static Component of(String label) {
    for (Component each : values()) {
      if (each.label().equals(label)) {
        return each;
      }
    }
    throw new IllegalArgumentException(
        "there is no kind '" + label + "'; there are " + java.util.Arrays.toString(values()));
  }
}
