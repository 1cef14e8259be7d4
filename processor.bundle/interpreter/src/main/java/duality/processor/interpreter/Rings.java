package duality.processor.interpreter;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Two rings in user mode, for a kernel and its programs in one space, as x86 has with its rings 1
 * and 3 and its segments: the outer ring reaches a segment of addresses only. Calls of the outer
 * ring can go straight to the inner one through a gate. Registers and return are those of the draft
 * extension N for user-level interrupts (RISC-V Priv. 1.11, chapter "N").
 *
 * <p>There are no rings until the segment has a length: everything is reached then, and a call
 * leaves the engine as that of an outer ring.
 */
final class Rings {
  /** The inner ring can be interrupted; and could be before the last trap. */
  private static final long UIE = 1;

  private static final long UPIE = 1 << 4;

  /** The last trap came from the inner ring. */
  private static final long UPP = 1 << 8;

  private static final long WRITABLE = UIE | UPIE | UPP;

  private static final int NONE = 0;
  private static final int INNER = 1;
  private static final int OUTER = 3;

  /** What can be set from outside by number, and is in a state by name. */
  private static final Map<String, Integer> NUMBERS = new LinkedHashMap<>();

  static {
    NUMBERS.put("segment", 0x800);
    NUMBERS.put("segmentend", 0x801);
    NUMBERS.put("ring", 0x802);
    NUMBERS.put("ustatus", 0x000);
    NUMBERS.put("utvec", 0x005);
    NUMBERS.put("uscratch", 0x040);
    NUMBERS.put("uepc", 0x041);
    NUMBERS.put("ucause", 0x042);
    NUMBERS.put("utval", 0x043);
  }

  private int ring = NONE;
  private long first;
  private long end;
  private long status;
  private long vector;
  private long scratch;
  private long epc;
  private long cause;
  private long value;

  boolean outer() {
    return ring == OUTER;
  }

  boolean inner() {
    return ring == INNER;
  }

  /** Whether the hart may leave for interrupts: the outer ring always, as lower privileges do. */
  boolean interruptible() {
    return ring != INNER || (status & UIE) != 0;
  }

  /** Whether a call goes straight to the inner ring. */
  boolean gateOpen() {
    return ring == OUTER && vector != 0;
  }

  /** Whether an address is not the current ring's. */
  boolean forbids(long address) {
    return ring == OUTER && Long.compareUnsigned(address - first, end - first) >= 0;
  }

  /** Enters the inner ring for a trap; answers where it goes on when it came through the gate. */
  long enter(long why, long what, long pc) {
    boolean wasInner = ring == INNER;
    boolean enabled = (status & UIE) != 0;
    status = (enabled ? UPIE : 0) | (wasInner ? UPP : 0);
    cause = why;
    value = what;
    epc = pc;
    ring = INNER;
    return vector;
  }

  /** Goes back to where the last trap came from; answers the address. */
  long leave() {
    ring = (status & UPP) != 0 ? INNER : OUTER;
    status = ((status & UPIE) != 0 ? UIE : 0) | UPIE;
    return epc;
  }

  long read(int csr) {
    return switch (csr) {
      case 0x000 -> status;
      case 0x005 -> vector;
      case 0x040 -> scratch;
      case 0x041 -> epc;
      case 0x042 -> cause;
      case 0x043 -> value;
      case 0x800 -> first;
      case 0x801 -> end;
      default -> ring;
    };
  }

  void write(int csr, long to) {
    switch (csr) {
      case 0x000 -> status = to & WRITABLE;
      case 0x040 -> scratch = to;
      case 0x041 -> epc = to & -2;
      case 0x042 -> cause = to;
      default -> value = to;
    }
  }

  /** Sets one of those that only the monitor sets; says whether it is one. */
  boolean set(int csr, long to) {
    switch (csr) {
      case 0x005 -> vector = to & -2;
      case 0x800 -> first = to & -4096;
      case 0x801 -> {
        end = to & -4096;
        ring = end == first ? NONE : INNER;
      }
      case 0x802 -> ring = end == first ? NONE : to == OUTER ? OUTER : INNER;
      default -> {
        return false;
      }
    }
    return true;
  }

  static boolean has(String name) {
    return NUMBERS.containsKey(name);
  }

  /** Adds what there is to a hart's registers; nothing when there are no rings. */
  void save(Map<String, Long> all) {
    if (ring != NONE) {
      NUMBERS.forEach((name, number) -> all.put(name, read(number)));
    }
  }

  void restore(Map<String, Long> values) {
    NUMBERS.forEach(
        (name, number) -> {
          long to = values.getOrDefault(name, 0L);
          if (!set(number, to)) {
            write(number, to);
          }
        });
  }
}
