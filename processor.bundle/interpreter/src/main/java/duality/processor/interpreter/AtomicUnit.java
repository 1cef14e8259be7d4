package duality.processor.interpreter;

import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * The A extension. Each operation is one atomic operation of the host, sequentially consistent,
 * whatever its aq and rl bits ask, so nothing that RVWMO orders is out of order.
 *
 * <p>LR keeps the value it read and SC is a compare-and-set of it: an SC that succeeds finds what
 * its LR found, and of two harts with the same reservation one succeeds. That alone would not
 * notice a value that was changed and changed back (the ABA problem of stacks without locks), so
 * each piece of 64 bytes of memory has a count of the SCs that succeeded there, and one that finds
 * another count than its LR fails. Stores and AMOs are not counted, because each of them would have
 * to look: a reservation outlives those that leave the same value behind, as in QEMU. It is lost
 * when a frame of the space was taken away, because the host address may be another page's then.
 */
final class AtomicUnit {
  static final int ADD = 0;
  static final int SWAP = 1;
  static final int LR = 2;
  static final int SC = 3;
  static final int XOR = 4;
  static final int OR = 8;
  static final int AND = 12;
  static final int MIN = 16;
  static final int MAX = 20;
  static final int MINU = 24;
  static final int MAXU = 28;

  /** log2 of the bytes that have a count together, and of the distance of two counts. */
  private static final int LINE = 6;

  private static final int APART = 4;
  private static final int LINES = 1024;

  /**
   * Successful SCs, times two; odd while one is under way. Pieces with the same remainder share a
   * count: an SC may fail for what happened to another piece, and is tried again.
   */
  private static final AtomicIntegerArray COUNTS = new AtomicIntegerArray(LINES << APART);

  private final Context c;
  private final Mmu mmu;

  AtomicUnit(Context c, Mmu mmu) {
    this.c = c;
    this.mmu = mmu;
  }

  /** Executes the record; fails by {@link Context#pending}. */
  void execute(long record) {
    int op = Decoder.op(record) - Ops.ATOMIC;
    boolean wide = op >= Ops.AMO_D - Ops.AMO_W;
    int what = op & 31;
    long[] x = c.x;
    long va = x[Decoder.rs1(record)];
    long host = mmu.atomic(va, wide ? 8 : 4, what != LR);
    if (c.pending != Context.NONE) {
      return;
    }
    long operand = x[Decoder.rs2(record)];
    long result =
        switch (what) {
          case LR -> reserve(host, wide);
          case SC -> conditional(host, wide, operand) ? 0 : 1;
          default -> wide ? doubleWord(what, host, operand) : word(what, host, (int) operand);
        };
    x[Decoder.rd(record)] = result;
  }

  private static int count(long host) {
    return ((int) (host >>> LINE) & LINES - 1) << APART;
  }

  private long reserve(long host, boolean wide) {
    c.reservedCount = COUNTS.get(count(host));
    long value =
        wide
            ? (long) Host.ATOMIC_LONG.getVolatile(Host.ALL, host)
            : (int) Host.ATOMIC_INT.getVolatile(Host.ALL, host);
    c.reservedHost = host;
    c.reservedWidth = wide ? 8 : 4;
    c.reservedValue = value;
    return value;
  }

  private boolean conditional(long host, boolean wide, long value) {
    boolean held = c.reservedHost == host && c.reservedWidth == (wide ? 8 : 4);
    c.reservedHost = 0;
    int count = c.reservedCount;
    if (!held || (count & 1) != 0 || !COUNTS.compareAndSet(count(host), count, count + 1)) {
      return false;
    }
    boolean stored =
        wide
            ? Host.ATOMIC_LONG.compareAndSet(Host.ALL, host, c.reservedValue, value)
            : Host.ATOMIC_INT.compareAndSet(Host.ALL, host, (int) c.reservedValue, (int) value);
    COUNTS.setRelease(count(host), stored ? count + 2 : count);
    return stored;
  }

  private static int word(int what, long host, int by) {
    return switch (what) {
      case ADD -> (int) Host.ATOMIC_INT.getAndAdd(Host.ALL, host, by);
      case SWAP -> (int) Host.ATOMIC_INT.getAndSet(Host.ALL, host, by);
      case XOR -> (int) Host.ATOMIC_INT.getAndBitwiseXor(Host.ALL, host, by);
      case OR -> (int) Host.ATOMIC_INT.getAndBitwiseOr(Host.ALL, host, by);
      case AND -> (int) Host.ATOMIC_INT.getAndBitwiseAnd(Host.ALL, host, by);
      default -> {
        for (; ; ) {
          int old = (int) Host.ATOMIC_INT.getVolatile(Host.ALL, host);
          int flip = what >= MINU ? Integer.MIN_VALUE : 0;
          boolean less = (old ^ flip) < (by ^ flip);
          int chosen = less == (what == MIN || what == MINU) ? old : by;
          if (Host.ATOMIC_INT.compareAndSet(Host.ALL, host, old, chosen)) {
            yield old;
          }
        }
      }
    };
  }

  private static long doubleWord(int what, long host, long by) {
    return switch (what) {
      case ADD -> (long) Host.ATOMIC_LONG.getAndAdd(Host.ALL, host, by);
      case SWAP -> (long) Host.ATOMIC_LONG.getAndSet(Host.ALL, host, by);
      case XOR -> (long) Host.ATOMIC_LONG.getAndBitwiseXor(Host.ALL, host, by);
      case OR -> (long) Host.ATOMIC_LONG.getAndBitwiseOr(Host.ALL, host, by);
      case AND -> (long) Host.ATOMIC_LONG.getAndBitwiseAnd(Host.ALL, host, by);
      default -> {
        for (; ; ) {
          long old = (long) Host.ATOMIC_LONG.getVolatile(Host.ALL, host);
          long flip = what >= MINU ? Long.MIN_VALUE : 0;
          boolean less = (old ^ flip) < (by ^ flip);
          long chosen = less == (what == MIN || what == MINU) ? old : by;
          if (Host.ATOMIC_LONG.compareAndSet(Host.ALL, host, old, chosen)) {
            yield old;
          }
        }
      }
    };
  }
}
