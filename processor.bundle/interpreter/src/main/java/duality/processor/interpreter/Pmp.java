package duality.processor.interpreter;

/**
 * Physical memory protection (RISC-V Priv. §3.7): sixteen entries, granularity 4 KiB, so that what
 * it says holds for whole pages and the {@link Tlb} can remember it. An area of four bytes (NA4)
 * cannot be chosen then.
 *
 * <p>A hart without firmware has none: nobody could program it.
 */
final class Pmp {
  static final int ENTRIES = 16;

  private static final int OFF = 0;
  private static final int TOR = 1;
  private static final int NA4 = 2;
  private static final int LOCK = 0x80;

  /** log2 of the granularity less two: bits of an address below this one count for nothing. */
  private static final int GRAIN = 10;

  private static final long BELOW = (1L << GRAIN) - 1;
  private static final long ADDRESS = (1L << 54) - 1;

  private final long[] address = new long[ENTRIES];
  private final byte[] config = new byte[ENTRIES];

  // The areas in pages, from first up to but not with end; none is empty.
  private final long[] first = new long[ENTRIES];
  private final long[] end = new long[ENTRIES];
  private final int[] what = new int[ENTRIES];
  private int areas;

  /**
   * Whether an access is allowed.
   *
   * @param page physical page number
   * @param access one of READ, WRITE and EXECUTE of {@link duality.kernel.processor.Memory}, which
   *     are R, W and X of an entry
   */
  boolean allows(long page, int access, int privilege) {
    for (int i = 0; i < areas; i++) {
      if (page >= first[i] && page < end[i]) {
        return privilege == Context.M && (what[i] & LOCK) == 0 || (what[i] & access) != 0;
      }
    }
    return privilege == Context.M;
  }

  /** Eight entries' configuration, from an even register's number. */
  long config(int register) {
    long value = 0;
    for (int i = 7; i >= 0; i--) {
      value = value << 8 | config[4 * register + i] & 0xff;
    }
    return value;
  }

  void config(int register, long value) {
    for (int i = 0; i < 8; i++) {
      int entry = 4 * register + i;
      int now = (int) (value >>> 8 * i) & 0x9f;
      boolean reserved = (now & 3) == 2; // writable but not readable
      if ((config[entry] & LOCK) == 0 && !reserved) {
        int mode = mode(now) == NA4 ? mode(config[entry]) : mode(now);
        config[entry] = (byte) (now & ~0x18 | mode << 3);
      }
    }
    update();
  }

  /** A register as it reads: low bits depend on the mode of its entry. */
  long address(int entry) {
    return mode(config[entry]) == 3 ? address[entry] | BELOW >>> 1 : address[entry] & ~BELOW;
  }

  /** All bits of the register, those too that are not read now. */
  long stored(int entry) {
    return address[entry];
  }

  void address(int entry, long value) {
    boolean bound =
        entry < ENTRIES - 1
            && (config[entry + 1] & LOCK) != 0
            && mode(config[entry + 1]) == TOR; // it holds the lower end of the locked one above
    if ((config[entry] & LOCK) == 0 && !bound) {
      address[entry] = value & ADDRESS;
      update();
    }
  }

  void reset() {
    java.util.Arrays.fill(address, 0);
    java.util.Arrays.fill(config, (byte) 0);
    update();
  }

  private static int mode(int config) {
    return config >>> 3 & 3;
  }

  private void update() {
    areas = 0;
    for (int i = 0; i < ENTRIES; i++) {
      int mode = mode(config[i]);
      if (mode == OFF) {
        continue;
      }
      long from;
      long to;
      if (mode == TOR) {
        from = i == 0 ? 0 : address[i - 1] >>> GRAIN;
        to = address[i] >>> GRAIN;
      } else {
        long ones = address[i] | BELOW >>> 1;
        long size = Long.lowestOneBit(~ones); // in pieces of eight bytes
        from = (ones & -size) >>> GRAIN;
        to = from + (2 * size >>> GRAIN);
      }
      if (from < to) {
        first[areas] = from;
        end[areas] = to;
        what[areas++] = config[i] & 0xff;
      }
    }
  }
}
