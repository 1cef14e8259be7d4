package duality.processor.interpreter;

import duality.kernel.processor.Memory;
import java.util.Map;

/**
 * Where a debugger wants the hart to stop: after an instruction, before some instructions, before
 * accesses to some bytes. The registers are those of RISC-V Debug 1.0: {@code dcsr} (step and
 * stepie, §4.9.1) and pairs of {@code tdata1} and {@code tdata2} (mcontrol6, §5.7.12, of which
 * execute, load, store and match by equality or power of two count); but no program can see them.
 *
 * <p>The inner loop knows nothing of them. It enters pages only through the {@link Tlb}, where
 * pages with a trigger are never put: so it stops at each border of such a page, and inside of it
 * instructions are executed one by one.
 */
final class Triggers {
  /** Bits of dcsr. */
  static final long STEP = 1L << 2;

  static final long STEP_WITH_INTERRUPTS = 1L << 11;

  private static final String DCSR = "dcsr";
  private static final String CONTROL = "tdata1.";
  private static final String ADDRESS = "tdata2.";
  private static final int MOST = 64;
  private static final int EXECUTE = 1 << 2;
  private static final int STORE = 1 << 1;
  private static final int LOAD = 1;
  private static final long POWER_OF_TWO = 1L << 7;

  /** Whether there is anything at all; the others are only asked when it is true. */
  boolean armed;

  /** Whether some are about data. */
  boolean data;

  private boolean step;
  private boolean interrupts;

  /** Instructions retired when the step that is under way began. */
  private long stepFrom;

  /** Whether it ended in a trap, or where its pc was set to. */
  private boolean trapped;

  // One trigger at each index: as it was given, its first address, and its bytes less one.
  private long[] controls = {};
  private long[] addresses = {};
  private long[] firsts = {};
  private long[] lengths = {};

  /** Whether a register of that name is one of these. */
  static boolean includes(String name) {
    if (name.equals(DCSR)) {
      return true;
    }
    for (int i = 0; i < MOST; i++) {
      if (name.equals(CONTROL + i) || name.equals(ADDRESS + i)) {
        return true;
      }
    }
    return false;
  }

  /** Adds what is set to the registers of a state. */
  void save(Map<String, Long> csrs) {
    if (step) {
      csrs.put(DCSR, STEP | (interrupts ? STEP_WITH_INTERRUPTS : 0));
    }
    for (int i = 0; i < controls.length; i++) {
      csrs.put(CONTROL + i, controls[i]);
      csrs.put(ADDRESS + i, addresses[i]);
    }
  }

  /** Becomes what a state says; a step begins now. */
  void restore(Map<String, Long> csrs, long retired) {
    long dcsr = csrs.getOrDefault(DCSR, 0L);
    step = (dcsr & STEP) != 0;
    interrupts = (dcsr & STEP_WITH_INTERRUPTS) != 0;
    stepFrom = retired;
    trapped = false;
    int count = 0;
    while (count < MOST && csrs.containsKey(CONTROL + count)) {
      count++;
    }
    controls = new long[count];
    addresses = new long[count];
    firsts = new long[count];
    lengths = new long[count];
    data = false;
    for (int i = 0; i < count; i++) {
      long control = csrs.getOrDefault(CONTROL + i, 0L);
      long address = csrs.getOrDefault(ADDRESS + i, 0L);
      // The zero above trailing ones says how many bytes it is about: two for none, and so on.
      long low = (control & POWER_OF_TWO) != 0 ? address ^ address + 1 : 0;
      controls[i] = control;
      addresses[i] = address;
      firsts[i] = address & ~low;
      lengths[i] = low;
      data |= (control & (LOAD | STORE)) != 0;
    }
    armed = step || count > 0;
  }

  // ---- stepping ----

  /** Whether instructions are executed one by one here. */
  boolean slow(long pc) {
    return armed && (step || inPage(pc));
  }

  /** Whether interrupts wait until the step is over. */
  boolean masked() {
    return step && !interrupts;
  }

  /** The instruction ended in a trap, or its effect was brought about by somebody else. */
  void trapped() {
    trapped = true;
  }

  /** Whether the step is over; if so, the next one begins. */
  boolean stepped(long retired) {
    if (!step || retired == stepFrom && !trapped) {
      return false;
    }
    stepFrom = retired;
    trapped = false;
    return true;
  }

  // ---- places ----

  /** Whether an instruction with a trigger is in that page. */
  boolean inPage(long pc) {
    if (armed) {
      for (int i = 0; i < controls.length; i++) {
        if ((controls[i] & EXECUTE) != 0 && (firsts[i] ^ pc) >>> Memory.PAGE_SHIFT == 0) {
          return true;
        }
      }
    }
    return false;
  }

  /** Whether the hart stops before that instruction. */
  boolean at(long pc) {
    for (int i = 0; i < controls.length; i++) {
      if ((controls[i] & EXECUTE) != 0 && pc - firsts[i] >= 0 && pc - firsts[i] <= lengths[i]) {
        return true;
      }
    }
    return false;
  }

  /** Whether bytes with a trigger are in that page. */
  boolean dataInPage(long va) {
    for (int i = 0; i < controls.length; i++) {
      if ((controls[i] & (LOAD | STORE)) != 0 && (firsts[i] ^ va) >>> Memory.PAGE_SHIFT == 0) {
        return true;
      }
    }
    return false;
  }

  /** Whether the hart stops before an access to those bytes. */
  boolean touched(long va, int bytes, int access) {
    int kind = access == Memory.WRITE ? STORE : LOAD;
    for (int i = 0; i < controls.length; i++) {
      long behind = va - firsts[i];
      if ((controls[i] & kind) != 0 && behind <= lengths[i] && behind > -bytes) {
        return true;
      }
    }
    return false;
  }
}
