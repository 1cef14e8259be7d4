package duality.processor.interpreter;

import static duality.processor.interpreter.Ops.*;

/**
 * The F and D extensions.
 *
 * <p>The host computes in round-to-nearest-even without saying what was inexact. Where the mode is
 * that one and the result is an ordinary number, the host's result is right, and inexactness is
 * either in fcsr already or found by an exact residual (Knuth's TwoSum; fused multiply-add for
 * products and quotients). Everything else goes to {@link SoftFloat}.
 */
final class FloatUnit {
  private static final long FS = 3L << 13;
  private static final long BOX = 0xffffffff00000000L;
  private static final int NX = SoftFloat.NX;

  private final Context c;
  private final Mmu mmu;
  private final SoftFloat soft = new SoftFloat();
  private final FloatConversions conversions = new FloatConversions(soft);

  FloatUnit(Context c, Mmu mmu) {
    this.c = c;
    this.mmu = mmu;
  }

  /** Executes the record; fails by {@link Context#pending}. */
  void execute(long record) {
    int op = Decoder.op(record);
    if (!c.floatDirty) {
      if ((c.mstatus & FS) == 0) {
        c.trap(2, 0);
        return;
      }
      c.makeFloatDirty();
    }
    execute(op, record);
  }

  private void execute(int op, long record) {
    if (op < SINGLE) {
      memory(op, record);
      return;
    }
    int rm = (int) Decoder.imm(record) >>> 5 & 7;
    if (rm == 7 && rounds(op)) {
      rm = c.frm;
    }
    if (op < DOUBLE + SINGLE) {
      single(op, record, rm);
    } else {
      twice(op - DOUBLE, record, rm);
    }
  }

  private static boolean rounds(int op) {
    int form = op >= DOUBLE + SINGLE ? op - DOUBLE : op;
    return form <= FSQRT
        || form >= FMADD && form <= FNMADD
        || form >= FCVT_INT && form < FMV_X
        || form == FCVT_FLOAT;
  }

  private void memory(int op, long record) {
    long va = c.x[Decoder.rs1(record)] + Decoder.imm(record);
    switch (op) {
      case FLW -> {
        long value = mmu.load(va, 4);
        if (c.pending == Context.NONE) {
          c.f[Decoder.rd(record)] = value | BOX;
        }
      }
      case FLD -> {
        long value = mmu.load(va, 8);
        if (c.pending == Context.NONE) {
          c.f[Decoder.rd(record)] = value;
        }
      }
      case FSW -> mmu.store(va, 4, c.f[Decoder.rs2(record)]);
      default -> mmu.store(va, 8, c.f[Decoder.rs2(record)]);
    }
  }

  private void twice(int op, long record, int rm) {
    long[] f = c.f;
    int rd = Decoder.rd(record);
    long a = f[Decoder.rs1(record)];
    long b = f[Decoder.rs2(record)];
    if (rm == SoftFloat.RNE) {
      double x = Double.longBitsToDouble(a);
      double y = Double.longBitsToDouble(b);
      boolean done =
          switch (op) {
            case FADD -> sum(rd, x, y);
            case FSUB -> sum(rd, x, -y);
            case FMUL -> product(rd, x, y);
            case FDIV -> quotient(rd, x, y);
            default -> false;
          };
      if (done) {
        return;
      }
    }
    soft(FloatFormat.DOUBLE, op, record, rm, a, b);
  }

  private boolean sum(int rd, double x, double y) {
    double r = x + y;
    int e = Math.getExponent(r);
    if (e > 1000) {
      return false;
    }
    if ((c.fflags & NX) == 0) {
      double yy = r - x;
      if ((x - (r - yy)) + (y - yy) != 0) {
        c.fflags |= NX;
      }
    }
    c.f[rd] = Double.doubleToRawLongBits(r);
    return true;
  }

  private boolean product(int rd, double x, double y) {
    double r = x * y;
    int e = Math.getExponent(r);
    if (e > 1023 || e < -900) {
      return false;
    }
    if ((c.fflags & NX) == 0 && Math.fma(x, y, -r) != 0) {
      c.fflags |= NX;
    }
    c.f[rd] = Double.doubleToRawLongBits(r);
    return true;
  }

  private boolean quotient(int rd, double x, double y) {
    double r = x / y;
    int e = Math.getExponent(r);
    int n = Math.getExponent(x);
    if (e > 1023 || e < -900 || n < -800) {
      return false;
    }
    if ((c.fflags & NX) == 0 && Math.fma(-r, y, x) != 0) {
      c.fflags |= NX;
    }
    c.f[rd] = Double.doubleToRawLongBits(r);
    return true;
  }

  private void single(int op, long record, int rm) {
    long a = unboxed(c.f[Decoder.rs1(record)]);
    long b = unboxed(c.f[Decoder.rs2(record)]);
    soft(FloatFormat.SINGLE, op, record, rm, a, b);
  }

  private static long unboxed(long register) {
    return (register & BOX) == BOX ? register & ~BOX : FloatFormat.SINGLE.canonicalNan;
  }

  /** Any operation in any mode; {@code a} and {@code b} are the unboxed operands. */
  private void soft(FloatFormat t, int op, long record, int rm, long a, long b) {
    if (rm > SoftFloat.RMM && rounds(op)) {
      c.trap(2, 0);
      return;
    }
    soft.flags = 0;
    int rd = Decoder.rd(record);
    long[] x = c.x;
    switch (op) {
      case FLE -> x[rd] = conversions.less(t, a, b, true) ? 1 : 0;
      case FLT -> x[rd] = conversions.less(t, a, b, false) ? 1 : 0;
      case FEQ -> x[rd] = conversions.equal(t, a, b) ? 1 : 0;
      case FCLASS -> x[rd] = FloatConversions.classify(t, a);
      case FCVT_INT, FCVT_INT + 1, FCVT_INT + 2, FCVT_INT + 3 ->
          x[rd] = conversions.toInteger(t, a, op - FCVT_INT, rm);
      case FMV_X -> {
        long raw = c.f[Decoder.rs1(record)];
        x[rd] = t == FloatFormat.SINGLE ? (int) raw : raw;
      }
      default -> {
        long result = result(t, op, record, rm, a, b);
        c.f[rd] = t == FloatFormat.SINGLE ? result & ~BOX | BOX : result;
      }
    }
    c.fflags |= soft.flags;
  }

  private long result(FloatFormat t, int op, long record, int rm, long a, long b) {
    long sign = t == FloatFormat.SINGLE ? 1L << 31 : 1L << 63;
    return switch (op) {
      case FADD -> soft.add(t, a, b, rm);
      case FSUB -> soft.add(t, a, t.negate(b), rm);
      case FMUL -> soft.multiply(t, a, b, rm);
      case FDIV -> soft.divide(t, a, b, rm);
      case FSQRT -> soft.squareRoot(t, a, rm);
      case FSGNJ -> a & ~sign | b & sign;
      case FSGNJN -> a & ~sign | ~b & sign;
      case FSGNJX -> a ^ b & sign;
      case FMIN -> conversions.choose(t, a, b, false);
      case FMAX -> conversions.choose(t, a, b, true);
      case FMADD -> soft.fusedMultiplyAdd(t, a, b, third(t, record), rm);
      case FMSUB -> soft.fusedMultiplyAdd(t, a, b, t.negate(third(t, record)), rm);
      case FNMSUB -> soft.fusedMultiplyAdd(t, t.negate(a), b, third(t, record), rm);
      case FNMADD -> soft.fusedMultiplyAdd(t, t.negate(a), b, t.negate(third(t, record)), rm);
      case FCVT_FROM, FCVT_FROM + 1, FCVT_FROM + 2, FCVT_FROM + 3 ->
          conversions.fromInteger(t, c.x[Decoder.rs1(record)], op - FCVT_FROM, rm);
      case FMV_F -> c.x[Decoder.rs1(record)];
      case FCVT_FLOAT ->
          t == FloatFormat.SINGLE
              ? conversions.convert(FloatFormat.DOUBLE, t, c.f[Decoder.rs1(record)], rm)
              : conversions.convert(FloatFormat.SINGLE, t, unboxed(c.f[Decoder.rs1(record)]), rm);
      default -> throw new IllegalStateException("no operation " + op);
    };
  }

  private long third(FloatFormat t, long record) {
    long register = c.f[(int) Decoder.imm(record) & 31];
    return t == FloatFormat.SINGLE ? unboxed(register) : register;
  }
}
