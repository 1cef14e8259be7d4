package duality.bench;

import duality.kernel.processor.Engine;
import duality.kernel.processor.Exit;
import duality.kernel.processor.Hart;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.Lines;
import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * One run of a program on an engine.
 *
 * @param output what it wrote
 * @param instructions how many it executed
 * @param cpuSeconds processor time of the thread that executed them; the JVM's compilers have
 *     threads of their own
 */
record EngineRun(String output, long instructions, double cpuSeconds) {
  private static final long USER_BASE = 0x10000;
  private static final int USER_BYTES = 4 << 20;
  private static final long BUDGET = 100_000_000;

  /** Runs the program in user mode and serves its system calls here. */
  static EngineRun user(Engine engine, GuestProgram program, String... arguments) {
    try (Arena arena = Arena.ofConfined()) {
      FlatMemory memory = new FlatMemory(arena, USER_BASE, USER_BYTES);
      long stackPointer = USER_BASE + USER_BYTES - 4096;
      memory.write(program.base(), program.image());
      memory.write(stackPointer, GuestProgram.stack(stackPointer, arguments));
      Hart hart = engine.hart(HartMode.USER, memory, new Lines(), System::nanoTime);
      hart.pc(program.entry());
      hart.x(2, stackPointer);
      StringBuilder output = new StringBuilder();
      long before = cpuNanos();
      for (; ; ) {
        int exit = hart.run(BUDGET);
        if (exit == Exit.CALL) {
          if (hart.x(17) == 94) {
            double seconds = (cpuNanos() - before) / 1e9;
            return new EngineRun(output.toString(), hart.instructions(), seconds);
          }
          hart.x(10, call(hart, memory, output));
          hart.completeCall();
        } else if (exit != Exit.BUDGET) {
          throw unexpected(hart, exit);
        }
      }
    }
  }

  private static long call(Hart hart, FlatMemory memory, StringBuilder output) {
    long a1 = hart.x(11);
    if (hart.x(17) == 64) {
      byte[] bytes = memory.read(a1, (int) hart.x(12));
      output.append(new String(bytes, StandardCharsets.UTF_8));
      return bytes.length;
    }
    if (hart.x(17) == 113) {
      long now = System.nanoTime();
      memory.writeLong(a1, now / 1_000_000_000);
      memory.writeLong(a1 + 8, now % 1_000_000_000);
      return 0;
    }
    return -38;
  }

  /** Runs a {@link BareImage} in full mode. */
  static EngineRun full(Engine engine, byte[] image) {
    try (Arena arena = Arena.ofConfined()) {
      FlatMemory memory = new FlatMemory(arena, BareImage.RAM, image.length + 4095 & -4096);
      memory.write(BareImage.RAM, image);
      Hart hart = engine.hart(HartMode.FULL, memory, new Lines(), System::nanoTime);
      hart.pc(BareImage.RAM);
      StringBuilder output = new StringBuilder();
      long start = System.nanoTime();
      long before = cpuNanos();
      for (; ; ) {
        int exit = hart.run(BUDGET);
        if (exit == Exit.MMIO_STORE && hart.exitAddress() == BareImage.SERIAL) {
          output.append((char) hart.exitValue());
          hart.completeStore();
        } else if (exit == Exit.MMIO_STORE && hart.exitAddress() == BareImage.FINISHER) {
          double seconds = (cpuNanos() - before) / 1e9;
          return new EngineRun(output.toString(), hart.instructions(), seconds);
        } else if (exit == Exit.MMIO_LOAD && hart.exitAddress() == BareImage.MTIME) {
          hart.completeLoad((System.nanoTime() - start) / 100);
        } else if (exit != Exit.BUDGET) {
          throw unexpected(hart, exit);
        }
      }
    }
  }

  private static IllegalStateException unexpected(Hart hart, int exit) {
    return new IllegalStateException(
        "the program left with exit %d, cause %d, address 0x%x at pc 0x%x"
            .formatted(exit, hart.exitCause(), hart.exitAddress(), hart.pc()));
  }

  private static long cpuNanos() {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    return threads.getCurrentThreadCpuTime();
  }

  /** The checksum that the program printed. */
  String checksum() {
    return checksum(output);
  }

  static String checksum(String output) {
    return Arrays.stream(output.split(", "))
        .filter(part -> part.startsWith("checksum "))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no checksum in: " + output));
  }
}
