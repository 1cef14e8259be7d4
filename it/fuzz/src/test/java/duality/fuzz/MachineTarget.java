package duality.fuzz;

import duality.drivers.BackEnd;
import duality.drivers.MmioDevice;
import duality.drivers.Network;
import duality.kernel.CallFailed;
import duality.net.learning.SwitchServer;
import duality.virtio.net.NetServer;
import duality.virtio.rng.RngServer;
import duality.vmm.MachineReport;
import duality.vmm.VirtualMachine;
import duality.vmm.machine.Rig;
import duality.vmm.xen.BlockServer;
import duality.vmm.xen.ConsoleServer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;

/**
 * A whole machine, made for each input and ended after it: the bytes become a kernel in M-mode or
 * above our SBI that does to devices, registers, page tables and the SBI what they say; or they are
 * taken for a kernel's file.
 */
public final class MachineTarget implements Target {
  private static final long MEMORY = 4L << 20;
  private static final long LIMIT_NANOS = 60_000_000L;
  private static final long LOOK_NANOS = 100_000;

  /** More than a program has that does not go in circles. */
  private static final long LIMIT_INSTRUCTIONS = 200_000;

  /** What {@link DeviceScript} may name, as the machine's board has it. */
  private static final long[] BASES = {
    0x1000_0000L,
    0x200_0000L,
    0x10_1000L,
    0x10_0000L,
    0xc00_0000L,
    0x1000_1000L,
    0x1000_8000L,
    0x1000_9000L,
    0x1000_a000L
  };

  private static final long[] EXTENSIONS = {
    0x10, 0x54494D45, 0x735049, 0x52464E43, 0x48534D, 0x53525354, 0x4442434E, 0, 1, 4, 8
  };

  private static final int[] REGISTERS = {
    0x100, 0x104, 0x105, 0x106, 0x10a, 0x140, 0x141, 0x142, 0x143, 0x144, 0x14d, 0x180, 0x300,
    0x301, 0x302, 0x303, 0x304, 0x306, 0x30a, 0x320, 0x340, 0x341, 0x342, 0x343, 0x344, 0x3a0,
    0x3a2, 0x3b0, 0x3b1, 0x3bf, 0xb00, 0xb02, 0x001, 0x002, 0x003, 0x7a0
  };

  private static final long TABLE = Input.RING + 0x20000;

  private final Rig rig;
  private final Path folder;
  private final Path disk;
  private final Complaints complaints;

  /** A system without machines. */
  public MachineTarget() throws IOException {
    this(new Rig(2, 64L << 20));
  }

  MachineTarget(Rig rig) throws IOException {
    this.rig = rig;
    complaints = new Complaints(rig.core);
    rig.core.register("xen.blk", new BlockServer(), BackEnd.class);
    rig.core.register("xen.console", new ConsoleServer(), BackEnd.class);
    rig.core.register("virtio.rng", new RngServer(), MmioDevice.class);
    rig.core.register("virtio.net", new NetServer(), MmioDevice.class);
    rig.core.register("net.switch", new SwitchServer(), Network.class);
    folder = Files.createTempDirectory("duality-fuzz");
    disk = folder.resolve("disk");
    Files.write(disk, new byte[64 << 10]);
  }

  @Override
  public void run(byte[] bytes) throws IOException {
    Input input = new Input(bytes);
    int how = input.next(8);
    int harts = how == 2 || how == 5 ? 2 : 1;
    if (how == 7) {
      run(file(input), (bytes.length & 1) != 0, harts, false);
    } else {
      run(program(input, how < 4), how < 4, harts, how == 3);
    }
  }

  /** Lets a machine run that file until it has ended, goes in circles, or waits for long. */
  void run(byte[] file, boolean machineMode, int harts, boolean agent) throws IOException {
    Path kernel = folder.resolve("kernel");
    Files.write(kernel, file);
    Map<String, String> config = new java.util.HashMap<>();
    config.put("memory", Long.toString(MEMORY));
    config.put("kernel", kernel.toString());
    config.put("disk0", disk.toString());
    config.put("agent", Boolean.toString(agent));
    config.put("rng", "true");
    config.put("cpus", Integer.toString(harts));
    config.put("net0", "fuzz");
    config.put("legacy", Boolean.toString((file.length & 64) != 0));
    if (machineMode) {
      config.put("firmware", "none");
    }
    VirtualMachine machine = rig.machine("f", config);
    try {
      machine.start();
      long end = System.nanoTime() + LIMIT_NANOS;
      for (MachineReport now = machine.report();
          now.state().equals("running")
              && now.instructions() < LIMIT_INSTRUCTIONS
              && System.nanoTime() < end;
          now = machine.report()) {
        LockSupport.parkNanos(LOOK_NANOS);
      }
    } catch (CallFailed.BadRequest refused) {
      // A file that is no kernel.
    } finally {
      rig.root.remove("vm/f");
    }
    if (!rig.core.threads().isEmpty() || !rig.core.spaces().isEmpty()) {
      throw new IllegalStateException(
          "left behind: " + rig.core.threads() + " " + rig.core.spaces());
    }
  }

  /** A kernel's file with some of its words changed. */
  private static byte[] file(Input input) {
    Assembly assembly = new Assembly(false);
    assembly.step();
    byte[] file = input.next(2) == 0 ? assembly.elf() : image();
    for (int changes = input.next(16); changes > 0; changes--) {
      int at = (int) input.number(2) % (file.length - 8);
      int width = 1 << input.next(4);
      long value = input.value();
      for (int b = 0; b < width; b++) {
        file[at + b] = (byte) (value >>> 8 * b);
      }
    }
    int cut = input.next();
    return cut < 64 ? java.util.Arrays.copyOf(file, cut * 64) : file;
  }

  /** A raw image with the header that Linux has (Documentation/arch/riscv/boot-image-header). */
  private static byte[] image() {
    return ByteBuffer.allocate(0x1000)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(0, 0x6f) // waits for ever
        .putLong(8, 0x20_0000)
        .putLong(16, 0x1000)
        .putInt(32, 2)
        .putLong(48, 0x5643_5349_52L)
        .putInt(56, 0x0543_5352)
        .array();
  }

  private static byte[] program(Input input, boolean machineMode) {
    Assembly assembly = new Assembly(machineMode);
    DeviceScript.Guest guest = new Steps(assembly);
    for (int step = 0; step < 128 && input.hasMore(); step++) {
      int kind = input.next(16);
      if (kind < 8) {
        DeviceScript.step(input, guest);
      } else {
        assembly.step();
        step(kind, input, assembly, machineMode);
      }
    }
    assembly.step();
    if (machineMode) {
      assembly.store(0x10_0000L, 4, 0x5555);
    } else {
      call(assembly, 0x53525354, 0, 0, 0, 0);
    }
    assembly.step();
    assembly.word(0x0000006f);
    return assembly.elf();
  }

  private static void step(int kind, Input input, Assembly assembly, boolean machineMode) {
    switch (kind) {
      case 8 -> {
        long extension = EXTENSIONS[input.next(EXTENSIONS.length)];
        call(assembly, extension, input.next(8), input.value(), input.value(), input.value());
      }
      case 9, 10 -> {
        assembly.li(Assembly.T0, input.value());
        int number = REGISTERS[input.next(machineMode ? REGISTERS.length : 12)];
        int operation = 1 + input.next(3);
        assembly.word(number << 20 | Assembly.T0 << 15 | operation << 12 | Assembly.T2 << 7 | 0x73);
      }
      case 11, 12 -> translated(input, assembly, machineMode);
      case 13 -> {
        assembly.li(Assembly.T0, input.value());
        assembly.word((int) input.number(4) | 3);
      }
      case 14 -> {
        // A jump to anywhere; what happens there comes back by the handler.
        assembly.li(Assembly.T0, input.value());
        assembly.word(0x67 | Assembly.T0 << 15);
      }
      default -> {
        // Sleeps until a timer that is due now.
        assembly.li(Assembly.T0, 0x2a0);
        assembly.csrw(machineMode ? 0x304 : 0x104, Assembly.T0);
        assembly.li(Assembly.T0, input.next());
        assembly.csrw(0x14d, Assembly.T0);
        assembly.word(input.next(4) == 0 ? 0x10500073 : 0x0ff0000f);
      }
    }
  }

  /** A page table of random entries, and an access through it. */
  private static void translated(Input input, Assembly assembly, boolean machineMode) {
    for (int i = 0; i < 4; i++) {
      long entry = input.next(3) == 0 ? input.value() : TABLE >> 2 | input.next();
      assembly.store(TABLE + 8 * input.next(), 8, entry);
    }
    if (input.next(8) != 0) {
      // A gigapage that leads from memory to itself, so that the program goes on.
      assembly.store(TABLE + 16, 8, 0x8000_0000L >> 2 | 0xcf);
    }
    long satp =
        (long) (8 + input.next(3)) << 60 | (input.next(4) == 0 ? input.value() : TABLE) >>> 12;
    assembly.step();
    if (machineMode) {
      assembly.li(Assembly.T0, 1L << 17 | 1L << 11);
      assembly.word(0x300 << 20 | Assembly.T0 << 15 | 2 << 12 | 0x73);
      assembly.li(Assembly.T0, 2L << 11);
      assembly.word(0x300 << 20 | Assembly.T0 << 15 | 3 << 12 | 0x73);
    }
    assembly.li(Assembly.T0, satp);
    assembly.csrw(Assembly.SATP, Assembly.T0);
    assembly.word(0x12000073);
    if (input.next(2) == 0) {
      assembly.load(input.value(), 1 << input.next(4));
    } else {
      assembly.store(input.value(), 1 << input.next(4), input.value());
    }
    assembly.step();
    assembly.csrw(Assembly.SATP, 0);
  }

  static void call(Assembly assembly, long extension, long function, long a0, long a1, long a2) {
    assembly.li(Assembly.A0, a0);
    assembly.li(Assembly.A0 + 1, a1);
    assembly.li(Assembly.A0 + 2, a2);
    assembly.li(Assembly.A0 + 6, function);
    assembly.li(Assembly.A0 + 7, extension);
    assembly.word(0x73);
  }

  @Override
  public List<String> complaints() {
    return complaints.fresh();
  }

  @Override
  public void close() {
    rig.close();
    for (String name : List.of("kernel", "disk", "")) {
      try {
        Files.deleteIfExists(name.isEmpty() ? folder : folder.resolve(name));
      } catch (IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
    }
  }

  private record Steps(Assembly assembly) implements DeviceScript.Guest {
    @Override
    public int devices() {
      return BASES.length;
    }

    @Override
    public boolean virtio(int device) {
      return device >= 5;
    }

    @Override
    public void load(int device, long offset, int width) {
      assembly.step();
      assembly.load(BASES[device] + offset, width);
    }

    @Override
    public void store(int device, long offset, int width, long value) {
      assembly.step();
      assembly.store(BASES[device] + offset, width, value);
    }

    @Override
    public void poke(long address, int width, long value) {
      assembly.step();
      assembly.store(address, width, value);
    }
  }
}
