package duality.faults;

import java.util.Arrays;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The kinds of component that faults go into. */
enum Component {
  SCHEDULER("scheduler", "duality.scheduler.fair", "scheduler.fair"),
  PAGER("vm/%s/pager", "duality.pager.demand", "pager.demand"),
  PLIC("vm/%s/plic", "duality.plic", "plic"),
  UART("vm/%s/uart", "duality.uart", "uart"),
  CLOCK("vm/%s/rtc", "duality.clock", "rtc"),
  BLOCK("vm/%s/blk0", "duality.virtio.blk", "virtio.blk"),
  STORE("vm/%s/store0", "duality.store.file", "store.file"),
  CONSOLE("vm/%s/console", "duality.console.host", "console.host"),
  VMM("vm/%s", "duality.vmm.machine", "vmm.machine"),
  SWAPPER("swapper", "duality.swapper", "swapper"),
  SUPERVISOR("supervisor", "duality.supervisor", "supervisor"),
  ROOT("root", "duality.root", "root"),
  TRAP("vm/%s", "duality.vmm.trap", "vmm.trap"),
  XEN("vm/%s", "duality.vmm.xen", "vmm.xen"),
  RING("vm/%s/vbd0", "duality.vmm.xen", "xen.blk"),
  VCON("vm/%s/vcon", "duality.vmm.xen", "xen.console");

  /** Classes of a bundle of three servers: those of the back halves, and which half's they are. */
  private static final Pattern BACK_HALF =
      Pattern.compile("duality/vmm/xen/(Ring|Block|Console)[^/]*\\.class");

  private final String path;

  final String bundle;

  /** The good server. */
  final String server;

  Component(String path, String bundle, String server) {
    this.path = path;
    this.bundle = bundle;
    this.server = server;
  }

  /** The endpoint where the mutant serves the guest of that name. */
  String path(String guest) {
    return path.formatted(guest);
  }

  /** Whether all guests share it, so that there is one injection at a time in a JVM. */
  boolean shared() {
    return path.indexOf('%') < 0;
  }

  /** Whether it serves people and bundles too, and has to be asked beside the dialogue. */
  boolean asked() {
    return shared() && this != SCHEDULER || monitor();
  }

  /** Whether it is a guest's monitor, by which the guest is switched on and off. */
  boolean monitor() {
    return path.equals("vm/%s");
  }

  /** The guest that it serves: nano, or nano as it was ported to this monitor. */
  String image() {
    return paravirtual() ? "nano-xen" : "nano";
  }

  private boolean paravirtual() {
    return bundle.equals("duality.vmm.xen");
  }

  /** Whether it can serve such guests. */
  boolean serves(Guests guests) {
    return !(paravirtual() && guests.linux()
        || guests.cpus() > 1 && (paravirtual() || this == TRAP));
  }

  /** Whether a class of its bundle is a part of this server. */
  boolean has(String file) {
    Matcher half = BACK_HALF.matcher(file);
    if (!half.matches()) {
      return this != RING && this != VCON;
    }
    return switch (half.group(1)) {
      case "Block" -> this == RING;
      case "Console" -> this == VCON;
      default -> this != XEN;
    };
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
        "there is no kind '" + label + "'; there are " + Arrays.toString(values()));
  }
}
