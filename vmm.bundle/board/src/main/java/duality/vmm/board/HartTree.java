package duality.vmm.board;

import duality.kernel.State;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.HartState;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A hart's state as a neutral tree, schema {@code hart} version 1. The host's clock is not in it:
 * it holds the guest's time, so that another host can go on with it.
 */
final class HartTree {
  private static final String SCHEMA = "hart";
  private static final int VERSION = 1;
  private static final String CSRS = "csrs";

  /** sstatus.SIE. */
  private static final long SIE = 2;

  private HartTree() {}

  /**
   * Flattens.
   *
   * @param guestNanos guest time at the moment that the state is of
   */
  static State save(HartState hart, long guestNanos) {
    State csrs = State.of(CSRS, VERSION);
    for (Map.Entry<String, Long> csr : new java.util.TreeMap<>(hart.csrs()).entrySet()) {
      csrs = csrs.with(csr.getKey(), csr.getValue());
    }
    return State.of(SCHEMA, VERSION)
        .with("mode", hart.mode().name())
        .with("firmware", hart.firmware())
        .with("pc", hart.pc())
        .with("privilege", hart.privilege())
        .with("waiting", hart.waiting())
        .with("x", hart.x())
        .with("f", hart.f())
        .with(CSRS, csrs)
        .with("timeNanos", guestNanos);
  }

  /**
   * Takes a state back.
   *
   * @param nowNanos the host's monotonic clock now: guest time goes on from here
   * @throws State.Refused when it is none
   */
  static HartState restore(State saved, long nowNanos) {
    saved.expect(SCHEMA, VERSION);
    State csrs = saved.state(CSRS);
    csrs.expect(CSRS, VERSION);
    Map<String, Long> values = new HashMap<>();
    for (String name : csrs.values().keySet()) {
      values.put(name, csrs.number(name));
    }
    long[] x = registers(saved, "x");
    if (x[0] != 0) {
      throw new State.Refused("hart.x has " + x[0] + " in x0, which is always zero");
    }
    if (!saved.text("mode").equals(HartMode.FULL.name())) {
      throw new State.Refused("hart.mode is " + saved.text("mode") + ", not FULL");
    }
    long privilege = saved.number("privilege", 0, 3);
    if (privilege == 2) {
      throw new State.Refused("hart.privilege is 2, which is none of 0 (U), 1 (S), 3 (M)");
    }
    return new HartState(
        HartMode.FULL,
        saved.flag("firmware"),
        saved.number("pc"),
        (int) privilege,
        saved.flag("waiting"),
        x,
        registers(saved, "f"),
        values,
        nowNanos - saved.number("timeNanos", 0, Long.MAX_VALUE));
  }

  /** The same hart with another start of time. */
  static HartState withTimeOffset(HartState hart, long timeOffsetNanos) {
    return new HartState(
        hart.mode(),
        hart.firmware(),
        hart.pc(),
        hart.privilege(),
        hart.waiting(),
        hart.x(),
        hart.f(),
        hart.csrs(),
        timeOffsetNanos);
  }

  /**
   * One hart out of what its monitor kept of it, and what its thread in user mode has: general and
   * floating-point registers, counters, time.
   */
  static HartState together(HartState kept, HartState thread) {
    Map<String, Long> csrs = new HashMap<>(kept.csrs());
    for (String own : List.of("fcsr", "mcycle", "minstret")) {
      csrs.put(own, thread.csrs().getOrDefault(own, 0L));
    }
    return new HartState(
        HartMode.FULL,
        kept.firmware(),
        thread.pc(),
        kept.privilege(),
        kept.waiting(),
        thread.x(),
        thread.f(),
        csrs,
        thread.timeOffsetNanos());
  }

  /** A hart that is about to execute a kernel's first instruction in S-mode, without firmware. */
  static HartState boot(int hart, long entry, long opaque, long nowNanos) {
    long[] x = new long[32];
    x[10] = hart; // a0
    x[11] = opaque; // a1: the device tree, or what the hart that starts this one says
    // As firmware leaves it: user programs may read cycle, time and instret.
    Map<String, Long> csrs = Map.of("scounteren", 7L, "mhartid", (long) hart);
    return new HartState(HartMode.FULL, false, entry, 1, false, x, new long[32], csrs, nowNanos);
  }

  /**
   * The same hart behind a suspension that keeps nothing but its registers for M-mode and its
   * interrupts' enables (SBI 2.0 §9.4): it waits for one of those, and goes on at {@code entry}.
   */
  static HartState resumed(HartState hart, int number, long entry, long opaque) {
    long[] x = new long[32];
    x[10] = number;
    x[11] = opaque;
    Map<String, Long> csrs = new HashMap<>(hart.csrs());
    csrs.put("satp", 0L);
    csrs.put("mstatus", csrs.getOrDefault("mstatus", 0L) & ~SIE);
    return new HartState(
        hart.mode(), hart.firmware(), entry, 1, true, x, hart.f(), csrs, hart.timeOffsetNanos());
  }

  /** A hart with software in M-mode that is about to execute the first instruction there. */
  static HartState reset(int hart, long entry, long nowNanos) {
    // What the specification leaves open at reset is on: firmware that does not know it leaves it.
    Map<String, Long> csrs = Map.of("menvcfg", 0x6000_0000_0000_00f0L, "mhartid", (long) hart);
    return new HartState(
        HartMode.FULL, true, entry, 3, false, new long[32], new long[32], csrs, nowNanos);
  }

  private static long[] registers(State saved, String name) {
    long[] registers = saved.numbers(name);
    if (registers.length != 32) {
      throw new State.Refused("hart." + name + " has " + registers.length + " registers, not 32");
    }
    return registers;
  }
}
