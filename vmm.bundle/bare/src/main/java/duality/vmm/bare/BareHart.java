package duality.vmm.bare;

import duality.kernel.processor.Engine;
import duality.kernel.processor.Exit;
import duality.kernel.processor.Hart;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.HartState;
import duality.kernel.processor.Lines;
import duality.kernel.processor.Memory;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.locks.LockSupport;

/**
 * One hart of a bare machine, on a host thread of its own: runs, and hands the {@link BareMachine}
 * what is outside of memory.
 */
final class BareHart {
  /** Instructions between two looks at the machine. */
  private static final long SLICE = 4_096;

  /** The same while a program talks to the host, which it waits for after each character. */
  private static final long TALKING_SLICE = 128;

  private static final long LONGEST_WAIT_NANOS = 10_000_000;

  // Bits of a trigger.
  private static final long STORE = 1 << 1;
  private static final long POWER_OF_TWO = 1 << 7;

  private final BareMachine machine;
  final int number;
  final Lines lines = new Lines();
  final Hart hart;
  private final Map<String, Long> watch;

  /** The thread that runs it; null before it begins. */
  private volatile Thread thread = Thread.currentThread();

  BareHart(BareMachine machine, int number, Engine engine, Memory memory, long entry, long zero) {
    this.machine = machine;
    this.number = number;
    watch = watch(machine.watched());
    hart = engine.hart(HartMode.FULL, memory, lines, System::nanoTime);
    Map<String, Long> csrs = new HashMap<>(watch);
    csrs.put("menvcfg", 1L << 61);
    csrs.put("mhartid", (long) number);
    hart.restore(
        new HartState(
            HartMode.FULL, true, entry, 3, false, new long[32], new long[32], csrs, zero));
  }

  /** Triggers for stores to eight bytes (RISC-V Debug §5.7.12); none where they are not aligned. */
  private static Map<String, Long> watch(OptionalLong word) {
    if (word.isEmpty() || word.getAsLong() % 4 != 0) {
      return Map.of();
    }
    long first = word.getAsLong();
    Map<String, Long> triggers = new HashMap<>();
    for (int i = 0; i < 2; i++) {
      triggers.put("tdata1." + i, STORE | POWER_OF_TWO);
      triggers.put("tdata2." + i, first + 4 * i | 1); // the ones at the end say: four bytes
    }
    return Map.copyOf(triggers);
  }

  /** Runs on the current thread until the machine has its outcome. */
  void run() {
    thread = Thread.currentThread();
    while (machine.goesOn(this)) {
      int exit = hart.run(machine.talks() ? TALKING_SLICE : SLICE);
      if (exit == Exit.EXCEPTION && hart.exitCause() == Exit.WATCHPOINT) {
        store();
        continue;
      }
      machine.look(this);
      if (!machine.isOver()) {
        handle(exit);
      }
    }
  }

  /** The program is about to store to {@code tohost}: lets it, and hears it. */
  private void store() {
    long address = hart.exitAddress();
    int width = hart.exitWidth();
    watching(false);
    long before = hart.instructions();
    hart.run(1); // or the first instruction of an interrupt's handler
    boolean stored = hart.instructions() != before;
    watching(true);
    if (stored) {
      machine.stored(address, width);
    }
  }

  private void watching(boolean on) {
    HartState now = hart.save();
    Map<String, Long> csrs = new HashMap<>(now.csrs());
    csrs.keySet().removeAll(watch.keySet());
    csrs.putAll(on ? watch : Map.of());
    hart.restore(
        new HartState(
            now.mode(),
            now.firmware(),
            now.pc(),
            now.privilege(),
            now.waiting(),
            now.x(),
            now.f(),
            csrs,
            now.timeOffsetNanos()));
  }

  private void handle(int exit) {
    switch (exit) {
      case Exit.BUDGET -> {}
      case Exit.ATTENTION -> lines.lower(Lines.ATTENTION);
      case Exit.WAIT -> sleep();
      case Exit.MMIO_LOAD -> machine.load(this, hart.exitAddress(), hart.exitWidth());
      case Exit.MMIO_STORE ->
          machine.store(hart, hart.exitAddress(), hart.exitWidth(), hart.exitValue());
      case Exit.FAULT -> hart.refuse();
      default ->
          machine.stuck("exception " + hart.exitCause() + " repeats itself without end" + at());
    }
  }

  /** Where it is, for people. */
  String at() {
    String which = machine.harts() == 1 ? "" : " on hart " + number;
    return " at pc 0x" + Long.toHexString(hart.pc()) + which;
  }

  private void sleep() {
    long wake = hart.wakeNanos();
    long wait = Math.min(LONGEST_WAIT_NANOS, machine.untilTimer(number));
    if (machine.harts() == 1 && wake == Long.MAX_VALUE && !machine.hasTimer(number)) {
      machine.stuck("it waits for an interrupt that nobody will raise" + at());
      return;
    }
    if (wake != Long.MAX_VALUE) {
      wait = Math.min(wait, wake - System.nanoTime());
    }
    if (wait > 0 && !machine.isOver() && !hart.interruptPending()) {
      LockSupport.parkNanos(wait);
    }
  }

  /** Lets it look at its lines and at the machine soon. */
  void nudge() {
    lines.raise(Lines.ATTENTION);
    LockSupport.unpark(thread);
  }
}
