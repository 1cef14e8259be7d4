package duality.vmm.board;

import duality.kernel.processor.Hart;
import java.util.Arrays;
import java.util.stream.Stream;

/**
 * The device tree of the machine as configured: what Linux's bindings ask for, with the names and
 * addresses of QEMU's {@code virt}.
 */
final class BoardTree {
  /** What the engine executes, in the order that the ISA manual prescribes. */
  private static final String LETTERS = "imafdc";

  private static final String[] LONGER = {
    "zicbom",
    "zicboz",
    "zicntr",
    "zicond",
    "zicsr",
    "zifencei",
    "zba",
    "zbb",
    "zbc",
    "zbs",
    "sstc",
    "svadu",
    "svnapot",
    "svpbmt"
  };

  private static final String[] EXTENSIONS =
      Stream.concat(Arrays.stream(LETTERS.split("")), Arrays.stream(LONGER)).toArray(String[]::new);

  static final String ISA = "rv64" + LETTERS + "_" + String.join("_", LONGER);

  /** Of Zicbom and Zicboz, in bytes. */
  private static final int CACHE_BLOCK = 64;

  private static final int PHANDLE_PLIC = 1;
  private static final int PHANDLE_TEST = 2;

  /** Of the interrupt controller of hart 0; those of the others follow. */
  private static final int PHANDLE_HART = 3;

  private static final int SUPERVISOR_EXTERNAL = 9;
  private static final int MACHINE_EXTERNAL = 11;
  private static final int MACHINE_SOFTWARE = 3;
  private static final int MACHINE_TIMER = 7;

  private static final int FINISHER_OFF = 0x5555;
  private static final int FINISHER_RESET = 0x7777;
  private static final int UART_CLOCK_HZ = 3_686_400;

  private BoardTree() {}

  /**
   * Writes the tree.
   *
   * @param memoryBytes size of memory
   * @param harts how many there are
   * @param commandLine the kernel's command line
   * @param initrd first address and end of the initial RAM disk, or empty
   * @param virtioSlots which virtio-mmio transports there are, as bits
   * @param seed randomness for the guest's generator, may be empty
   * @param firmware whether there is software in M-mode, which needs the core-local interruptor
   */
  static byte[] write(
      long memoryBytes,
      int harts,
      String commandLine,
      long[] initrd,
      int virtioSlots,
      byte[] seed,
      boolean firmware) {
    DeviceTree tree = new DeviceTree();
    tree.begin("")
        .cells("#address-cells", 2)
        .cells("#size-cells", 2)
        .text("compatible", "riscv-virtio")
        .text("model", "duality,virt");
    chosen(tree, commandLine, initrd, seed);
    tree.begin("memory@80000000")
        .text("device_type", "memory")
        .wide("reg", Board.MEMORY, memoryBytes)
        .end();
    harts(tree, harts);
    tree.begin("soc")
        .cells("#address-cells", 2)
        .cells("#size-cells", 2)
        .text("compatible", "simple-bus")
        .flag("ranges");
    devices(tree, harts, virtioSlots);
    if (firmware) {
      clint(tree, harts);
    }
    tree.end();
    endings(tree);
    return tree.end().toBytes();
  }

  private static void chosen(DeviceTree tree, String commandLine, long[] initrd, byte[] seed) {
    tree.begin("chosen").text("bootargs", commandLine).text("stdout-path", "/soc/serial@10000000");
    if (initrd.length == 2) {
      tree.wide("linux,initrd-start", initrd[0]).wide("linux,initrd-end", initrd[1]);
    }
    if (seed.length > 0) {
      tree.bytes("rng-seed", seed);
    }
    tree.end();
  }

  private static void harts(DeviceTree tree, int harts) {
    tree.begin("cpus")
        .cells("#address-cells", 1)
        .cells("#size-cells", 0)
        .cells("timebase-frequency", (int) Hart.TIMEBASE_HZ);
    for (int hart = 0; hart < harts; hart++) {
      tree.begin("cpu@" + hart)
          .text("device_type", "cpu")
          .cells("reg", hart)
          .text("status", "okay")
          .text("compatible", "riscv")
          .text("riscv,isa", ISA)
          .text("riscv,isa-base", "rv64i")
          .text("riscv,isa-extensions", EXTENSIONS)
          .cells("riscv,cbom-block-size", CACHE_BLOCK)
          .cells("riscv,cboz-block-size", CACHE_BLOCK)
          .text("mmu-type", "riscv,sv57")
          .begin("interrupt-controller")
          .cells("#address-cells", 0)
          .cells("#interrupt-cells", 1)
          .flag("interrupt-controller")
          .text("compatible", "riscv,cpu-intc")
          .cells("phandle", PHANDLE_HART + hart)
          .end()
          .end();
    }
    tree.end();
  }

  /** Two interrupts of each hart: where a controller's lines lead. */
  private static int[] linesTo(int harts, int first, int second) {
    int[] cells = new int[4 * harts];
    for (int hart = 0; hart < harts; hart++) {
      cells[4 * hart] = PHANDLE_HART + hart;
      cells[4 * hart + 1] = first;
      cells[4 * hart + 2] = PHANDLE_HART + hart;
      cells[4 * hart + 3] = second;
    }
    return cells;
  }

  private static void devices(DeviceTree tree, int harts, int virtioSlots) {
    tree.begin("test@100000")
        .text("compatible", "sifive,test1", "sifive,test0", "syscon")
        .wide("reg", Board.FINISHER, Board.DEVICE_BYTES)
        .cells("phandle", PHANDLE_TEST)
        .end();
    tree.begin("rtc@101000")
        .text("compatible", "google,goldfish-rtc")
        .wide("reg", Board.RTC, Board.DEVICE_BYTES);
    interrupt(tree, Board.RTC_SOURCE).end();
    tree.begin("plic@c000000")
        .text("compatible", "sifive,plic-1.0.0", "riscv,plic0")
        .wide("reg", Board.PLIC, Board.PLIC_BYTES)
        .cells("#address-cells", 0)
        .cells("#interrupt-cells", 1)
        .flag("interrupt-controller")
        .cells("interrupts-extended", linesTo(harts, MACHINE_EXTERNAL, SUPERVISOR_EXTERNAL))
        .cells("riscv,ndev", Board.SOURCES)
        .cells("phandle", PHANDLE_PLIC)
        .end();
    tree.begin("serial@10000000")
        .text("compatible", "ns16550a")
        .wide("reg", Board.UART, Board.UART_BYTES)
        .cells("clock-frequency", UART_CLOCK_HZ);
    interrupt(tree, Board.UART_SOURCE).end();
    for (int slot = 0; slot < Board.VIRTIO_SLOTS; slot++) {
      if ((virtioSlots >> slot & 1) != 0) {
        tree.begin("virtio_mmio@" + Long.toHexString(Board.virtio(slot)))
            .text("compatible", "virtio,mmio")
            .wide("reg", Board.virtio(slot), Board.DEVICE_BYTES);
        interrupt(tree, Board.virtioSource(slot)).end();
      }
    }
  }

  private static void clint(DeviceTree tree, int harts) {
    tree.begin("clint@2000000")
        .text("compatible", "sifive,clint0", "riscv,clint0")
        .wide("reg", Board.CLINT, Board.CLINT_BYTES)
        .cells("interrupts-extended", linesTo(harts, MACHINE_SOFTWARE, MACHINE_TIMER))
        .end();
  }

  private static DeviceTree interrupt(DeviceTree tree, int source) {
    return tree.cells("interrupt-parent", PHANDLE_PLIC).cells("interrupts", source);
  }

  /** A kernel that does not ask the SBI ends the machine by a store to the finisher. */
  private static void endings(DeviceTree tree) {
    tree.begin("poweroff")
        .text("compatible", "syscon-poweroff")
        .cells("regmap", PHANDLE_TEST)
        .cells("offset", 0)
        .cells("value", FINISHER_OFF)
        .end();
    tree.begin("reboot")
        .text("compatible", "syscon-reboot")
        .cells("regmap", PHANDLE_TEST)
        .cells("offset", 0)
        .cells("value", FINISHER_RESET)
        .end();
  }
}
