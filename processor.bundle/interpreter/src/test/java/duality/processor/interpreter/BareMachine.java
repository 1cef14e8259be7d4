package duality.processor.interpreter;

import static org.junit.jupiter.api.Assertions.fail;

import duality.kernel.processor.Exit;
import duality.kernel.processor.Hart;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.Lines;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * The least of QEMU's {@code virt} that the test programs need: memory, a serial port that can only
 * send, the core-local interruptor, the finisher. Starts in machine mode.
 */
final class BareMachine {
  private static final long RAM = 0x80000000L;
  private static final long SERIAL = 0x10000000L;
  private static final long FINISHER = 0x100000L;
  private static final long MSIP = 0x2000000L;
  private static final long MTIMECMP = 0x2004000L;
  private static final long MTIME = 0x200bff8L;
  private static final long TIME_LIMIT_NANOS = TimeUnit.SECONDS.toNanos(60);

  private final Lines lines = new Lines();
  private final Hart hart;
  private final StringBuilder output = new StringBuilder();
  private final long start = System.nanoTime();
  private long timeCompare = -1;
  private boolean off;

  private BareMachine(FlatMemory memory) {
    hart = new Interpreter().hart(HartMode.FULL, memory, lines, System::nanoTime);
    hart.restore(
        new duality.kernel.processor.HartState(
            HartMode.FULL,
            true,
            RAM,
            Context.M,
            false,
            new long[32],
            new long[32],
            java.util.Map.of("menvcfg", Context.ADUE),
            start));
  }

  /** Runs an ELF program until it powers off and answers what it sent. */
  static String run(byte[] elf) {
    try (Arena arena = Arena.ofConfined()) {
      FlatMemory memory = new FlatMemory(arena, RAM, 32 << 20);
      load(memory, ByteBuffer.wrap(elf).order(ByteOrder.LITTLE_ENDIAN));
      return new BareMachine(memory).run();
    }
  }

  private static void load(FlatMemory memory, ByteBuffer elf) {
    int headers = (int) elf.getLong(32);
    for (int n = 0; n < elf.getShort(56); n++) {
      int at = headers + 56 * n;
      if (elf.getInt(at) == 1) {
        int offset = (int) elf.getLong(at + 8);
        int length = (int) elf.getLong(at + 32);
        memory.write(
            elf.getLong(at + 24), Arrays.copyOfRange(elf.array(), offset, offset + length));
      }
    }
  }

  private String run() {
    while (!off) {
      if (System.nanoTime() - start > TIME_LIMIT_NANOS) {
        fail("no end after a minute, at pc %x; so far:%n%s".formatted(hart.pc(), output));
      }
      timer();
      switch (hart.run(10_000)) {
        case Exit.BUDGET -> {}
        case Exit.WAIT -> LockSupport.parkNanos(50_000);
        case Exit.MMIO_LOAD -> load(hart.exitAddress());
        case Exit.MMIO_STORE -> store(hart.exitAddress(), hart.exitValue());
        default ->
            fail("cause %d at pc %x; so far:%n%s".formatted(hart.exitCause(), hart.pc(), output));
      }
    }
    return output.toString();
  }

  private long time() {
    return (System.nanoTime() - start) / 100;
  }

  private void timer() {
    if (Long.compareUnsigned(time(), timeCompare) >= 0) {
      lines.raise(Lines.MTIP);
    } else {
      lines.lower(Lines.MTIP);
    }
  }

  private void load(long address) {
    if (address == MTIME) {
      hart.completeLoad(time());
    } else {
      hart.refuse();
    }
  }

  private void store(long address, long value) {
    if (address == SERIAL) {
      output.append((char) value);
    } else if (address == FINISHER) {
      off = true;
    } else if (address == MSIP) {
      if ((value & 1) != 0) {
        lines.raise(Lines.MSIP);
      } else {
        lines.lower(Lines.MSIP);
      }
    } else if (address == MTIMECMP) {
      timeCompare = value;
    } else {
      hart.refuse();
      return;
    }
    hart.completeStore();
  }
}
