package duality.shell.disassembly;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Says what an instruction is, with the pseudo-instructions and register names that assemblers take
 * (RISC-V Assembly Programmer's Manual). Compressed instructions are shown as what they stand for.
 */
public final class Disassembler {
  private static final String[] X = {
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4",
    "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4",
    "t5", "t6"
  };

  private static final String[] F = {
    "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1", "fa0", "fa1", "fa2",
    "fa3", "fa4", "fa5", "fa6", "fa7", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9",
    "fs10", "fs11", "ft8", "ft9", "ft10", "ft11"
  };

  private static final String[] ROUNDING = {"rne", "rtz", "rdn", "rup", "rmm", "", "", "dyn"};
  private static final int DYNAMIC = 7;
  private static final int WIDE = 3;

  private Disassembler() {}

  /** Name of an integer register, x0 to x31: {@code zero}, {@code ra}, … */
  public static String register(int number) {
    return X[number];
  }

  /** Name of a floating-point register, f0 to f31: {@code ft0}, … */
  public static String floatRegister(int number) {
    return F[number];
  }

  /** Bytes of the instruction that begins with that halfword: 2 or 4. */
  public static int length(int halfword) {
    return (halfword & WIDE) == WIDE ? 4 : 2;
  }

  /**
   * An instruction as text.
   *
   * @param address where it is, for the targets of branches
   * @param word the instruction; of a compressed one the low 16 bits count
   * @return mnemonic, a blank, operands; {@code .4byte} or {@code .2byte} when it is none
   */
  public static String show(long address, int word) {
    if (length(word) == 2) {
      int half = word & 0xffff;
      if (half == 0) {
        return "unimp";
      }
      int wide = Compressed.expand(half);
      return wide == 0 ? ".2byte 0x" + Integer.toHexString(half) : text(address, wide, half);
    }
    return text(address, word, word);
  }

  private static String text(long address, int word, int original) {
    Instructions.Form form = Instructions.find(word);
    if (form == null) {
      return (length(original) == 2 ? ".2byte 0x" : ".4byte 0x") + Integer.toHexString(original);
    }
    StringBuilder text = new StringBuilder(form.name());
    if (form.ordered()) {
      text.append(ordering(word));
    }
    if (!form.operands().isEmpty()) {
      text.append(' ');
      String operands = form.operands();
      for (int i = 0; i < operands.length(); i++) {
        String operand = operand(operands.charAt(i), address, word);
        text.append(operand == null ? String.valueOf(operands.charAt(i)) : operand);
      }
    }
    return text.toString();
  }

  private static String ordering(int word) {
    return switch (word >>> 25 & 3) {
      case 1 -> ".rl";
      case 2 -> ".aq";
      case 3 -> ".aqrl";
      default -> "";
    };
  }

  /** What a letter of {@link Instructions} stands for; null for a letter that stands for itself. */
  private static @Nullable String operand(char letter, long address, int word) {
    return switch (letter) {
      case 'd' -> X[word >>> 7 & 31];
      case 's' -> X[word >>> 15 & 31];
      case 't' -> X[word >>> 20 & 31];
      case 'D' -> F[word >>> 7 & 31];
      case 'S' -> F[word >>> 15 & 31];
      case 'T' -> F[word >>> 20 & 31];
      case 'R' -> F[word >>> 27];
      case 'i' -> Integer.toString(word >> 20);
      case 'm' -> Integer.toString(word >> 25 << 5 | word >>> 7 & 31);
      case 'b' -> hex(address + branch(word));
      case 'a' -> hex(address + jump(word));
      case 'u' -> hex(word >>> 12);
      case 'h' -> hex(word >>> 20 & 63);
      case 'w' -> hex(word >>> 20 & 31);
      case 'c' -> Registers.csr(word >>> 20);
      case 'z' -> Integer.toString(word >>> 15 & 31);
      case 'M' -> rounding(word >>> 12 & 7);
      case 'P' -> fence(word >>> 24 & 15);
      case 'Q' -> fence(word >>> 20 & 15);
      default -> null;
    };
  }

  private static String hex(long value) {
    return "0x" + Long.toHexString(value);
  }

  private static long branch(int word) {
    return word >> 31 << 12
        | (word >>> 7 & 1) << 11
        | (word >>> 25 & 63) << 5
        | (word >>> 8 & 15) << 1;
  }

  private static long jump(int word) {
    return word >> 31 << 20
        | (word >>> 12 & 255) << 12
        | (word >>> 20 & 1) << 11
        | (word >>> 21 & 1023) << 1;
  }

  private static String rounding(int mode) {
    return mode == DYNAMIC ? "" : "," + (ROUNDING[mode].isEmpty() ? "unknown" : ROUNDING[mode]);
  }

  private static String fence(int set) {
    if (set == 0) {
      return "unknown";
    }
    StringBuilder text = new StringBuilder();
    for (int bit = 3; bit >= 0; bit--) {
      if ((set >>> bit & 1) != 0) {
        text.append("wroi".charAt(bit));
      }
    }
    return text.toString().toLowerCase(Locale.ROOT);
  }
}
