package duality.processor.interpreter;

import java.util.Objects;

/**
 * Runs the {@link Loop}, and what the loop leaves to others: pages, rare instructions, memory's
 * slow path.
 */
final class Execution {
  /**
   * Answers of {@link #execute}: look at interrupts and budget and come back; or see
   * Context.pending.
   */
  static final int POLL = 0;

  static final int PENDING = 1;

  private final Context c;
  private final Mmu mmu;
  private final Loop loop;
  private final SystemUnit system;
  private final AtomicUnit atomics;
  private final FloatUnit floats;

  /** Instructions that {@link #execute} executes at most. */
  private int slice;

  Execution(Context c, Mmu mmu, SystemUnit system) {
    this.c = c;
    this.mmu = mmu;
    this.system = system;
    this.loop = new Loop(c, mmu);
    this.atomics = new AtomicUnit(c, mmu);
    this.floats = new FloatUnit(c, mmu);
  }

  /**
   * Executes about {@code slice} instructions from Context.pc, fewer when something needs
   * attention.
   */
  int execute(int count) {
    slice = count;
    loop.left = count;
    int result = enter() ? go() : PENDING;
    c.retired += slice - loop.left;
    return result;
  }

  /** Looks up Context.pc; answers false when it cannot be fetched. */
  private boolean enter() {
    long pc = c.pc;
    CodePage page = mmu.fetch(pc);
    if (page == null) {
      c.record = 0;
      return false;
    }
    int halfword = (int) pc >>> 1 & 2047;
    int known = page.index[halfword];
    loop.enter(page, pc, known == 0 ? page.decode(halfword) : known - 1);
    if (mmu.singly && loop.left > 1) {
      slice -= loop.left - 1;
      loop.left = 1;
    }
    return true;
  }

  private int go() {
    while (loop.left > 0) {
      switch (loop.run()) {
        case Loop.OTHER -> {
          long record = loop.code[loop.index - 1];
          long pc = loop.base + Decoder.offset(record);
          int next = other(record, pc);
          if (next == SystemUnit.PENDING) {
            stop(record, pc);
            return PENDING;
          }
          if (next != CROSSED) {
            loop.left--;
          }
          if (next == SystemUnit.POLL || next == SystemUnit.REFETCH && c.triggers.slow(c.pc)) {
            return POLL;
          }
          if (next == SystemUnit.REFETCH && !enter()) {
            return PENDING;
          }
        }
        case Loop.FETCH -> {
          if (loop.left <= 0 || c.triggers.inPage(c.pc)) {
            return POLL;
          }
          if (!enter()) {
            return PENDING;
          }
        }
        default -> {}
      }
    }
    c.pc = nextPc();
    return POLL;
  }

  /** The address of the instruction that is next in the loop. */
  private long nextPc() {
    long record = loop.code[loop.index];
    while (Decoder.op(record) == Ops.GOTO) {
      record = loop.code[(int) Decoder.imm(record)];
    }
    return loop.base
        + (Decoder.op(record) == Ops.FAR ? Decoder.imm(record) : Decoder.offset(record));
  }

  /** Like {@link SystemUnit#NEXT}, but what was executed is no instruction. */
  private static final int CROSSED = -1;

  private int other(long record, long pc) {
    int op = Decoder.op(record);
    if (op < Ops.FLOAT) {
      if (op != Ops.CROSS) {
        memory(op, record);
      } else {
        CodePage page = Objects.requireNonNull(loop.page);
        if (mmu.cross(page, loop.base + 4096)) {
          loop.cross(page);
          return CROSSED;
        }
      }
    } else if (op < Ops.BITS) {
      floats.execute(record);
    } else if (op < Ops.ATOMIC) {
      BitUnit.execute(record, c.x);
    } else if (op < Ops.SYSTEM) {
      atomics.execute(record);
    } else {
      c.inSlice = slice - loop.left;
      int next = system.execute(record, pc);
      c.inSlice = 0;
      return next;
    }
    return c.pending == Context.NONE ? SystemUnit.NEXT : SystemUnit.PENDING;
  }

  private void memory(int op, long record) {
    long[] x = c.x;
    long va = x[Decoder.rs1(record)] + Decoder.imm(record);
    if (op >= Ops.SB) {
      mmu.store(va, 1 << op - Ops.SB, x[Decoder.rs2(record)]);
      return;
    }
    long value = mmu.load(va, 1 << (op <= Ops.LD ? op - Ops.LB : op - Ops.LBU));
    if (c.pending == Context.NONE) {
      x[Decoder.rd(record)] = extend(op, value);
    }
  }

  /** What a load of kind {@code op} makes of the bytes that it reads. */
  static long extend(int op, long value) {
    return switch (op) {
      case Ops.LB -> (byte) value;
      case Ops.LH -> (short) value;
      case Ops.LW -> (int) value;
      case Ops.LBU -> value & 0xff;
      case Ops.LHU -> value & 0xffff;
      case Ops.LWU -> value & 0xffffffffL;
      case Ops.LD -> value;
      default -> throw new IllegalStateException("operation " + op + " is no load");
    };
  }

  /** The instruction could not be completed. */
  private void stop(long record, long pc) {
    c.pc = pc;
    c.record = record;
    if (c.pending == Context.TRAP && c.trapCause == 2) {
      c.trapValue = Objects.requireNonNull(loop.page).word(Decoder.offset(record)) & 0xffffffffL;
    }
  }
}
