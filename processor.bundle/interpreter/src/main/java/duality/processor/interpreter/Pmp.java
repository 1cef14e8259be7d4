package duality.processor.interpreter;

/**
 * Physical memory protection (RISC-V Priv. §3.7): sixteen entries, granularity four bytes.
 *
 * <p>Most areas that programs make are whole pages, for which one look a page is enough, and the
 * {@link Tlb} can remember it. A page that an area covers in part is {@link #MIXED}: each access
 * there is looked at.
 *
 * <p>A hart without firmware has none: nobody could program it.
 */
final class Pmp {
  static final int ENTRIES = 16;

  /** Answers of {@link #page}. */
  static final int ALLOWED = 0;

  static final int FORBIDDEN = 1;
  static final int MIXED = 2;

  private static final int OFF = 0;
  private static final int TOR = 1;
  private static final int NA4 = 2;
  private static final int LOCK = 0x80;
  private static final long ADDRESS = (1L << 54) - 1;

  /** log2 of a page in pieces of four bytes. */
  private static final int PAGE = 10;

  private final long[] address = new long[ENTRIES];
  private final byte[] config = new byte[ENTRIES];

  // The areas in pieces of four bytes, from first up to but not with end; none is empty.
  private final long[] first = new long[ENTRIES];
  private final long[] end = new long[ENTRIES];
  private final int[] what = new int[ENTRIES];
  private int areas;

  /**
   * Whether all accesses to a page are allowed, none is, or it depends.
   *
   * @param page physical page number
   * @param access one of READ, WRITE and EXECUTE of {@link duality.kernel.processor.Memory}, which
   *     are R, W and X of an entry
   */
  int page(long page, int access, int privilege) {
    long from = page << PAGE;
    long to = page + 1 << PAGE;
    for (int i = 0; i < areas; i++) {
      if (from < end[i] && to > first[i]) {
        return from < first[i] || to > end[i]
            ? MIXED
            : allows(i, access, privilege) ? ALLOWED : FORBIDDEN;
      }
    }
    return privilege == Context.M ? ALLOWED : FORBIDDEN;
  }

  /**
   * Whether an access is allowed. The first area that has any of its bytes must have all of them,
   * and decides.
   */
  boolean allows(long pa, int bytes, int access, int privilege) {
    long from = pa >>> 2;
    long to = pa + bytes + 3 >>> 2;
    for (int i = 0; i < areas; i++) {
      if (from < end[i] && to > first[i]) {
        return from >= first[i] && to <= end[i] && allows(i, access, privilege);
      }
    }
    return privilege == Context.M;
  }

  private boolean allows(int area, int access, int privilege) {
    return privilege == Context.M && (what[area] & LOCK) == 0 || (what[area] & access) != 0;
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
        config[entry] = (byte) now;
      }
    }
    update();
  }

  long address(int entry) {
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
      long from = address[i];
      long to = from + 1;
      if (mode == TOR) {
        from = i == 0 ? 0 : address[i - 1];
        to = address[i];
      } else if (mode != NA4) {
        long size = Long.lowestOneBit(~address[i]); // in pieces of eight bytes
        from = address[i] & -size;
        to = from + 2 * size;
      }
      if (from < to) {
        first[areas] = from;
        end[areas] = to;
        what[areas++] = config[i] & 0xff;
      }
    }
  }
}
