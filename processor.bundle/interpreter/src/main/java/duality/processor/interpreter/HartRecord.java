package duality.processor.interpreter;

import duality.kernel.processor.HartMode;
import duality.kernel.processor.HartState;
import java.util.LinkedHashMap;
import java.util.Map;

/** A hart as a {@link HartState}, and back. */
final class HartRecord {
  /**
   * The registers that a state names, in the order in which they are restored: fcsr before mstatus,
   * because writing it makes FS dirty; menvcfg before mip, because it decides who owns STIP.
   */
  private static final Map<String, Integer> FULL = new LinkedHashMap<>();

  static {
    FULL.put("fcsr", 0x003);
    FULL.put("mstatus", 0x300);
    FULL.put("medeleg", 0x302);
    FULL.put("mideleg", 0x303);
    FULL.put("mie", 0x304);
    FULL.put("mtvec", 0x305);
    FULL.put("mcounteren", 0x306);
    FULL.put("menvcfg", 0x30a);
    FULL.put("mscratch", 0x340);
    FULL.put("mepc", 0x341);
    FULL.put("mcause", 0x342);
    FULL.put("mtval", 0x343);
    FULL.put("mip", 0x344);
    FULL.put("stvec", 0x105);
    FULL.put("scounteren", 0x106);
    FULL.put("senvcfg", 0x10a);
    FULL.put("sscratch", 0x140);
    FULL.put("sepc", 0x141);
    FULL.put("scause", 0x142);
    FULL.put("stval", 0x143);
    FULL.put("stimecmp", 0x14d);
    FULL.put("satp", 0x180);
    for (int i = 0; i < 16; i++) {
      FULL.put("pmpaddr" + i, 0x3b0 + i);
    }
    FULL.put("pmpcfg0", 0x3a0);
    FULL.put("pmpcfg2", 0x3a2);
  }

  private static final long FS = 3L << 13;

  private final Context c;
  private final Csrs csrs;

  HartRecord(Context c, Csrs csrs) {
    this.c = c;
    this.csrs = csrs;
  }

  HartState save() {
    long[] x = new long[32];
    System.arraycopy(c.x, 1, x, 1, 31);
    Map<String, Long> all = new LinkedHashMap<>();
    if (c.user) {
      all.put("fcsr", csrs.read(0x003));
      all.put("sstatus", csrs.read(0x300) & FS);
      all.put("sie", csrs.read(0x304));
      all.put("scounteren", csrs.read(0x106));
      all.put("stimecmp", csrs.read(0x14d));
      c.rings.save(all);
    } else {
      FULL.forEach((name, number) -> all.put(name, csrs.read(number)));
      for (int i = 0; i < Pmp.ENTRIES; i++) {
        all.put("pmpaddr" + i, c.pmp.address(i));
      }
      all.put("mip", c.softwarePending);
      all.put("mhartid", c.mhartid);
      all.put("mcountinhibit", c.mcountinhibit);
    }
    c.triggers.save(all);
    all.put("mcycle", csrs.read(0xb00));
    all.put("minstret", csrs.read(0xb02));
    HartMode mode = c.user ? HartMode.USER : HartMode.FULL;
    return new HartState(
        mode, c.firmware, c.pc, c.privilege, c.waiting, x, c.f, all, c.timeOffsetNanos);
  }

  void restore(HartState state) {
    if ((state.mode() == HartMode.USER) != c.user) {
      throw new IllegalArgumentException(
          "a state of mode " + state.mode() + " does not fit into a hart of the other mode");
    }
    if (!c.user && !state.firmware() && state.privilege() == Context.M) {
      throw new IllegalArgumentException("a hart without firmware cannot be in M-mode");
    }
    for (String name : state.csrs().keySet()) {
      if (!FULL.containsKey(name) && !isOther(name)) {
        throw new IllegalArgumentException("a hart has no register " + name + " to restore");
      }
    }
    Map<String, Long> values = state.csrs();
    System.arraycopy(state.x(), 1, c.x, 1, 31);
    System.arraycopy(state.f(), 0, c.f, 0, 32);
    c.pc = state.pc() & -2;
    c.privilege = state.privilege();
    c.firmware = state.firmware();
    c.waiting = state.waiting();
    c.timeOffsetNanos = state.timeOffsetNanos();
    c.reservedHost = 0;
    c.pmp.reset(); // no entry is locked while the others are restored
    if (c.user) {
      csrs.write(0x003, values.getOrDefault("fcsr", 0L));
      csrs.writeUser(0x100, values.getOrDefault("sstatus", FS));
      csrs.writeUser(0x104, values.getOrDefault("sie", 0L));
      csrs.writeUser(0x106, values.getOrDefault("scounteren", Context.COUNTERS));
      csrs.writeUser(0x14d, values.getOrDefault("stimecmp", -1L));
      c.rings.restore(values);
    } else {
      c.softwarePending = 0;
      FULL.forEach((name, number) -> csrs.write(number, values.getOrDefault(name, reset(name))));
      c.mhartid = values.getOrDefault("mhartid", 0L);
    }
    restoreCounters(values);
    c.triggers.restore(values, c.retired);
  }

  private void restoreCounters(Map<String, Long> values) {
    long inhibited = c.user ? 0 : values.getOrDefault("mcountinhibit", 0L) & 5;
    long minstret = values.getOrDefault("minstret", 0L);
    long mcycle = values.getOrDefault("mcycle", 0L);
    c.retired = minstret;
    c.mcountinhibit = inhibited;
    c.instretOffset = (inhibited & 4) != 0 ? minstret : 0;
    c.cycleOffset = (inhibited & 1) != 0 ? mcycle : mcycle - minstret;
  }

  private boolean isOther(String name) {
    return switch (name) {
      case "mcycle", "minstret", "mhartid", "mcountinhibit", "misa" -> true;
      case "sstatus", "sie" -> c.user;
      default -> Triggers.includes(name) || c.user && Rings.has(name);
    };
  }

  /** What a register is when nobody names it: stimecmp as far away as can be, the others zero. */
  private static long reset(String name) {
    return name.equals("stimecmp") ? -1 : 0;
  }
}
