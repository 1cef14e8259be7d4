package duality.vmm.bare;

import duality.kernel.processor.Engine;
import duality.kernel.processor.Exit;
import duality.kernel.processor.Hart;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.HartState;
import duality.kernel.processor.Lines;
import duality.vmm.BareRunner.Outcome;
import duality.vmm.BareRunner.Run;
import java.time.Duration;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The machine of one program: one hart that starts in M-mode, memory, and of QEMU's {@code virt}
 * the core-local interruptor, a serial port that can only send, and the test finisher.
 *
 * <p>A store to {@code tohost} is not trapped: the word is looked at each time that the hart comes
 * back, every few thousand instructions. So it may lie anywhere, beside other data.
 */
final class BareMachine {
  private static final long CLINT = 0x200_0000L;
  private static final long CLINT_BYTES = 0x1_0000;
  private static final long SERIAL = 0x1000_0000L;
  private static final long SERIAL_BYTES = 0x100;
  private static final long FINISHER = 0x10_0000L;

  private static final int MSIP = 0;
  private static final int MTIMECMP = 0x4000;
  private static final int MTIME = 0xbff8;

  /** Line status of a 16550A: nothing received, everything sent. */
  private static final int LINE_STATUS = 5;

  private static final int ALL_SENT = 0x60;

  // What a store to the finisher says in its low half (QEMU, hw/misc/sifive_test.c).
  private static final int FINISH_FAIL = 0x3333;
  private static final int FINISH_PASS = 0x5555;
  private static final int FINISH_RESET = 0x7777;

  /** Instructions between two looks at {@code tohost}. */
  private static final long SLICE = 4_096;

  /** The same while a program talks to the host, which it waits for after each character. */
  private static final long TALKING_SLICE = 128;

  /** Looks without a request after which a program does not talk any more. */
  private static final int SILENCE = 256;

  private static final long TICK_NANOS = 100;
  private static final long NEVER = -1;
  private static final long LONGEST_WAIT_NANOS = 10_000_000;

  private final BareMemory memory;
  private final ElfProgram program;
  private final Lines lines = new Lines();
  private final Hart hart;
  private final HostInterface host;
  private final Output output = new Output();

  /** Host clock value at which {@code mtime} was zero. */
  private long zeroNanos = System.nanoTime();

  private long timeCompare = NEVER;
  private @Nullable Outcome reported;

  BareMachine(Engine engine, BareMemory memory, ElfProgram program) {
    this.memory = memory;
    this.program = program;
    host = new HostInterface(memory, program.fromHost(), output);
    hart = engine.hart(HartMode.FULL, memory, lines, System::nanoTime);
    hart.restore(
        new HartState(
            HartMode.FULL,
            true,
            program.entry(),
            3,
            false,
            new long[32],
            new long[32],
            Map.of("menvcfg", 1L << 61),
            zeroNanos));
  }

  Run run(Duration limit, BooleanSupplier cancelled) {
    long start = System.nanoTime();
    long answers = 0;
    int patience = 0;
    boolean begun = false; // a host that was away before the first instruction proves nothing
    while (reported == null) {
      if (cancelled.getAsBoolean()) {
        reported = new Outcome.Silent("cancelled");
        break;
      }
      if (begun && System.nanoTime() - start > limit.toNanos()) {
        reported = new Outcome.Silent("timeout after " + show(limit) + at());
        break;
      }
      begun = true;
      timer();
      int exit = hart.run(patience > 0 ? TALKING_SLICE : SLICE);
      OptionalLong toHost = program.toHost();
      if (toHost.isPresent()) {
        reported = host.look(toHost.getAsLong());
        patience = host.answers() != answers ? SILENCE : Math.max(0, patience - 1);
        answers = host.answers();
      }
      if (reported == null) {
        handle(exit);
      }
    }
    return new Run(reported, output.text(), hart.instructions());
  }

  private static String show(Duration limit) {
    return limit.toMillis() % 1000 == 0 ? limit.toSeconds() + "s" : limit.toMillis() + "ms";
  }

  private String at() {
    return " at pc 0x" + Long.toHexString(hart.pc());
  }

  private void handle(int exit) {
    switch (exit) {
      case Exit.BUDGET, Exit.ATTENTION -> {}
      case Exit.WAIT -> sleep();
      case Exit.MMIO_LOAD -> load(hart.exitAddress(), hart.exitWidth());
      case Exit.MMIO_STORE -> store(hart.exitAddress(), hart.exitWidth(), hart.exitValue());
      case Exit.FAULT -> hart.refuse();
      default ->
          reported =
              new Outcome.Silent(
                  "exception " + hart.exitCause() + " repeats itself without end" + at());
    }
  }

  /** {@code mtime} and its comparison. */
  private long time() {
    return (System.nanoTime() - zeroNanos) / TICK_NANOS;
  }

  private void timer() {
    if (timeCompare != NEVER && Long.compareUnsigned(time(), timeCompare) >= 0) {
      lines.raise(Lines.MTIP);
    } else {
      lines.lower(Lines.MTIP);
    }
  }

  private void sleep() {
    long wake = hart.wakeNanos();
    if (timeCompare == NEVER && wake == Long.MAX_VALUE) {
      reported = new Outcome.Silent("it waits for an interrupt that nobody will raise" + at());
      return;
    }
    long now = System.nanoTime();
    long wait = LONGEST_WAIT_NANOS;
    if (wake != Long.MAX_VALUE) {
      wait = Math.min(wait, wake - now);
    }
    if (timeCompare != NEVER) {
      long ticks = timeCompare - time();
      wait = ticks < 0 ? 0 : ticks < wait / TICK_NANOS ? ticks * TICK_NANOS : wait;
    }
    if (wait > 0) {
      LockSupport.parkNanos(wait);
    }
  }

  private void load(long address, int width) {
    long offset = address - CLINT;
    if (offset >= 0 && offset < CLINT_BYTES && width >= 4) {
      hart.completeLoad(part(clint((int) offset & ~7), (int) offset & 7, width));
    } else if (address >= SERIAL && address < SERIAL + SERIAL_BYTES) {
      hart.completeLoad(address - SERIAL == LINE_STATUS ? ALL_SENT : 0);
    } else if (address == FINISHER) {
      hart.completeLoad(0);
    } else {
      hart.refuse();
    }
  }

  private static long part(long value, int from, int width) {
    return width == 8 ? value : value >>> 8 * from & 0xffff_ffffL;
  }

  private long clint(int register) {
    return switch (register) {
      case MSIP -> (lines.word() & Lines.MSIP) != 0 ? 1 : 0;
      case MTIMECMP -> timeCompare;
      case MTIME -> time();
      default -> 0;
    };
  }

  private void store(long address, int width, long value) {
    long offset = address - CLINT;
    if (offset >= 0 && offset < CLINT_BYTES && width >= 4) {
      int register = (int) offset & ~7;
      int shift = 8 * ((int) offset & 7);
      long mask = width == 8 ? -1 : 0xffff_ffffL << shift;
      clint(register, clint(register) & ~mask | value << shift & mask);
    } else if (address >= SERIAL && address < SERIAL + SERIAL_BYTES) {
      if (address == SERIAL) {
        output.add((int) value);
      }
    } else if (address == FINISHER) {
      finish((int) value);
    } else {
      hart.refuse();
      return;
    }
    hart.completeStore();
  }

  private void clint(int register, long value) {
    switch (register) {
      case MSIP -> {
        if ((value & 1) != 0) {
          lines.raise(Lines.MSIP);
        } else {
          lines.lower(Lines.MSIP);
        }
      }
      case MTIMECMP -> timeCompare = value;
      case MTIME -> zeroNanos = System.nanoTime() - value * TICK_NANOS;
      default -> {}
    }
  }

  private void finish(int value) {
    long code = value >>> 16;
    switch (value & 0xffff) {
      case FINISH_PASS -> reported = new Outcome.Passed();
      case FINISH_FAIL -> reported = new Outcome.Failed(code == 0 ? 1 : code);
      case FINISH_RESET -> reported = new Outcome.Silent("it asked for a reset" + at());
      default -> {}
    }
  }
}
