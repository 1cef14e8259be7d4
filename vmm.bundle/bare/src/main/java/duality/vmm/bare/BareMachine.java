package duality.vmm.bare;

import duality.kernel.processor.Engine;
import duality.kernel.processor.Hart;
import duality.kernel.processor.Lines;
import duality.vmm.BareRunner.Outcome;
import duality.vmm.BareRunner.Run;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The machine of one program: harts that start in M-mode, memory, and of QEMU's {@code virt} the
 * core-local interruptor, a serial port that can only send, and the test finisher.
 *
 * <p>A store to {@code tohost} stops the hart as a debugger would, and is heard at once: programs
 * go on to store other values there. Through page tables it may have another address; so the word
 * is also looked at each time that hart 0 comes back, every few thousand instructions. Where it
 * lies outside of memory it is a register: one of eight bytes, or two of four.
 *
 * <p><em>Concurrency:</em> hart 0 runs on the caller's thread, the others on threads that live as
 * long as the program. What they share here is guarded by this object, but for the outcome, which
 * is set once.
 */
final class BareMachine {
  private static final long CLINT = 0x200_0000L;
  private static final long CLINT_BYTES = 0x1_0000;
  private static final long SERIAL = 0x1000_0000L;
  private static final long SERIAL_BYTES = 0x100;
  private static final long FINISHER = 0x10_0000L;

  private static final int MTIMECMP = 0x4000;
  private static final int MTIME = 0xbff8;

  /** Line status of a 16550A: nothing received, everything sent. */
  private static final int LINE_STATUS = 5;

  private static final int ALL_SENT = 0x60;

  // What a store to the finisher says in its low half (QEMU, hw/misc/sifive_test.c).
  private static final int FINISH_FAIL = 0x3333;
  private static final int FINISH_PASS = 0x5555;
  private static final int FINISH_RESET = 0x7777;

  /** Looks without a request after which a program does not talk any more. */
  private static final int SILENCE = 256;

  private static final long TICK_NANOS = 100;
  private static final long NEVER = -1;

  private final ElfProgram program;
  private final List<BareHart> harts = new ArrayList<>();
  private final HostInterface host;
  private final Output output = new Output();

  /** Host clock value at which {@code mtime} was zero. */
  private long zeroNanos = System.nanoTime();

  private final BareMemory memory;
  private final long[] timeCompare;

  /** What was written to the low half of a {@code tohost} outside of memory. */
  private long lowHalf;

  private volatile @Nullable Outcome reported;

  /** Requests that were answered when it was looked last. */
  private long answers;

  private volatile int patience;

  // Of hart 0's thread:
  private long start;
  private boolean begun;
  private Duration limit = Duration.ZERO;
  private BooleanSupplier cancelled = () -> false;

  BareMachine(Engine engine, BareMemory memory, ElfProgram program, int count) {
    this.memory = memory;
    this.program = program;
    host = new HostInterface(memory, program.fromHost(), output);
    timeCompare = new long[count];
    Arrays.fill(timeCompare, NEVER);
    for (int i = 0; i < count; i++) {
      harts.add(new BareHart(this, i, engine, memory, program.entry(), zeroNanos));
    }
  }

  /** Runs it on the current thread, and its other harts on threads of their own. */
  Run run(Duration limit, BooleanSupplier cancelled) {
    this.limit = limit;
    this.cancelled = cancelled;
    start = System.nanoTime();
    List<Thread> others = new ArrayList<>();
    for (BareHart each : harts.subList(1, harts.size())) {
      others.add(
          Thread.ofPlatform().daemon().name("bare hart " + each.number).start(() -> run(each)));
    }
    try {
      harts.getFirst().run();
    } finally {
      end(new Outcome.Silent("it could not be run"));
      join(others);
    }
    long instructions = harts.stream().mapToLong(each -> each.hart.instructions()).sum();
    return new Run(java.util.Objects.requireNonNull(reported), output.text(), instructions);
  }

  /** A hart that fails takes the program with it, in place of leaving the others waiting. */
  private void run(BareHart hart) {
    try {
      hart.run();
    } catch (BareMemory.Full full) {
      stuck("the host has no memory left for it");
    } catch (RuntimeException | Error e) {
      stuck("the engine failed: " + e + hart.at());
    }
  }

  private static void join(List<Thread> threads) {
    boolean interrupted = false;
    for (Thread each : threads) {
      while (each.isAlive()) {
        try {
          each.join();
        } catch (InterruptedException e) {
          interrupted = true; // they end soon, and nobody may take their memory before
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  int harts() {
    return harts.size();
  }

  boolean isOver() {
    return reported != null;
  }

  boolean talks() {
    return patience > 0;
  }

  /** Before a hart runs: whether it shall; brings its timer's line up to date. */
  boolean goesOn(BareHart hart) {
    if (hart.number == 0 && !isOver()) {
      if (cancelled.getAsBoolean()) {
        end(new Outcome.Silent("cancelled"));
      } else if (begun && System.nanoTime() - start > limit.toNanos()) {
        // A host that was away before the first instruction proves nothing.
        end(new Outcome.Silent("timeout after " + show(limit) + hart.at()));
      }
      begun = true;
    }
    synchronized (this) {
      long compare = timeCompare[hart.number];
      if (compare != NEVER && Long.compareUnsigned(time(), compare) >= 0) {
        hart.lines.raise(Lines.MTIP);
      } else {
        hart.lines.lower(Lines.MTIP);
      }
    }
    return !isOver();
  }

  /** {@code tohost}, when it lies in memory. */
  OptionalLong watched() {
    OptionalLong toHost = program.toHost();
    boolean inMemory = toHost.isPresent() && memory.contains(toHost.getAsLong(), 8);
    return inMemory ? toHost : OptionalLong.empty();
  }

  /** After a hart ran: hart 0 looks whether the program has said something. */
  void look(BareHart hart) {
    if (hart.number == 0) {
      hear(false);
    }
  }

  /** A hart has stored there; of two stores of four bytes the second one is to the upper half. */
  void stored(long address, int width) {
    hear(width != 4 || address != program.toHost().orElse(0));
  }

  private void hear(boolean whole) {
    OptionalLong toHost = watched();
    if (toHost.isEmpty()) {
      return;
    }
    synchronized (this) {
      Outcome said = host.look(toHost.getAsLong(), whole);
      patience = host.answers() != answers ? SILENCE : Math.max(0, patience - 1);
      answers = host.answers();
      if (said != null) {
        end(said);
      }
    }
  }

  /** The program can never go on: what it said last counts, if it said something. */
  void stuck(String why) {
    hear(true);
    end(new Outcome.Silent(why));
  }

  private synchronized void end(Outcome how) {
    if (reported == null) {
      reported = how;
      harts.forEach(BareHart::nudge);
    }
  }

  private static String show(Duration limit) {
    return limit.toMillis() % 1000 == 0 ? limit.toSeconds() + "s" : limit.toMillis() + "ms";
  }

  /** {@code mtime} and its comparison. */
  private long time() {
    return (System.nanoTime() - zeroNanos) / TICK_NANOS;
  }

  synchronized boolean hasTimer(int hart) {
    return timeCompare[hart] != NEVER;
  }

  /** Nanoseconds until the hart's timer is due; 0 when it is. */
  synchronized long untilTimer(int hart) {
    if (timeCompare[hart] == NEVER) {
      return Long.MAX_VALUE;
    }
    long ticks = timeCompare[hart] - time();
    return ticks < 0
        ? 0
        : ticks < Long.MAX_VALUE / TICK_NANOS ? ticks * TICK_NANOS : Long.MAX_VALUE;
  }

  synchronized void load(BareHart from, long address, int width) {
    Hart hart = from.hart;
    long offset = address - CLINT;
    if (offset >= 0 && offset < CLINT_BYTES && width >= 4) {
      hart.completeLoad(part(clint((int) offset & ~7), (int) offset & 7, width));
    } else if (address >= SERIAL && address < SERIAL + SERIAL_BYTES) {
      hart.completeLoad(address - SERIAL == LINE_STATUS ? ALL_SENT : 0);
    } else if (address == FINISHER) {
      hart.completeLoad(0);
    } else if (isRegister(program.toHost(), address, width)) {
      hart.completeLoad(0); // what was written there has been answered
    } else if (isRegister(program.fromHost(), address, width)) {
      hart.completeLoad(host.answers() > 0 ? 1 : 0);
    } else {
      hart.refuse();
    }
  }

  private static long part(long value, int from, int width) {
    return width == 8 ? value : value >>> 8 * from & 0xffff_ffffL;
  }

  /** Eight bytes of the interruptor; the software interrupts of two harts are in one. */
  private long clint(int register) {
    if (register < 4 * harts.size()) {
      long low = software(register / 4);
      return low | (register / 4 + 1 < harts.size() ? software(register / 4 + 1) << 32 : 0);
    }
    if (register >= MTIMECMP && register < MTIMECMP + 8 * harts.size()) {
      return timeCompare[(register - MTIMECMP) / 8];
    }
    return register == MTIME ? time() : 0;
  }

  private long software(int hart) {
    return (harts.get(hart).lines.word() & Lines.MSIP) != 0 ? 1 : 0;
  }

  synchronized void store(Hart hart, long address, int width, long value) {
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
      finish((int) value, hart);
    } else if (isRegister(program.toHost(), address, width)) {
      say((int) (address - program.toHost().getAsLong()), width, value);
    } else if (!isRegister(program.fromHost(), address, width)) {
      hart.refuse();
      return;
    }
    hart.completeStore();
  }

  /** Whether an access is one of a word of HTIF that lies outside of memory. */
  private static boolean isRegister(OptionalLong word, long address, int width) {
    return word.isPresent()
        && width >= 4
        && (address == word.getAsLong() || width == 4 && address == word.getAsLong() + 4);
  }

  /** The low half of a word says nothing yet, unless it is odd: then it ends the program. */
  private void say(int offset, int width, long value) {
    long word = width == 8 || offset == 0 ? value : value << 32 | lowHalf;
    lowHalf = width == 4 && offset == 0 && (value & 1) == 0 ? value & 0xffff_ffffL : 0;
    if (width == 4 && offset == 0) {
      word &= 0xffff_ffffL;
    }
    Outcome said = lowHalf != 0 ? null : host.said(word);
    if (said != null) {
      end(said);
    }
  }

  private void clint(int register, long value) {
    if (register < 4 * harts.size()) {
      software(register / 4, (value & 1) != 0);
      if (register / 4 + 1 < harts.size()) {
        software(register / 4 + 1, (value >>> 32 & 1) != 0);
      }
    } else if (register >= MTIMECMP && register < MTIMECMP + 8 * harts.size()) {
      timeCompare[(register - MTIMECMP) / 8] = value;
    } else if (register == MTIME) {
      zeroNanos = System.nanoTime() - value * TICK_NANOS;
    }
  }

  private void software(int number, boolean high) {
    BareHart hart = harts.get(number);
    if (!high) {
      hart.lines.lower(Lines.MSIP);
    } else if ((hart.lines.raise(Lines.MSIP) & Lines.MSIP) == 0) {
      hart.nudge();
    }
  }

  private void finish(int value, Hart hart) {
    long code = value >>> 16;
    String at = " at pc 0x" + Long.toHexString(hart.pc());
    switch (value & 0xffff) {
      case FINISH_PASS -> end(new Outcome.Passed());
      case FINISH_FAIL -> end(new Outcome.Failed(code == 0 ? 1 : code));
      case FINISH_RESET -> end(new Outcome.Silent("it asked for a reset" + at));
      default -> {}
    }
  }
}
