package duality.bench;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/**
 * Just enough of an RV64 assembler for {@link BareImage}; labels may be used before they are set.
 */
final class Assembler {
  static final int SP = 2;
  static final int T0 = 5;
  static final int T1 = 6;
  static final int T2 = 7;
  static final int A0 = 10;
  static final int A1 = 11;
  static final int A2 = 12;
  static final int A7 = 17;
  static final int T3 = 28;
  static final int T4 = 29;

  private final ByteBuffer out;
  private final Map<String, Integer> labels = new HashMap<>();
  private final Map<Integer, String> uses = new HashMap<>();

  Assembler(int sizeBytes) {
    out = ByteBuffer.allocate(sizeBytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The code, with all labels filled in. */
  byte[] finish() {
    uses.forEach(
        (at, label) -> {
          int by = Objects.requireNonNull(labels.get(label), label) - at;
          int word = out.getInt(at);
          out.putInt(at, word | ((word & 0x7f) == 0x6f ? jumpOffset(by) : branchOffset(by)));
        });
    return out.array();
  }

  void label(String name) {
    labels.put(name, out.position());
  }

  void at(int offset) {
    out.position(offset);
  }

  void word(int word) {
    out.putInt(word);
  }

  private void i(int opcode, int funct3, int rd, int rs1, int imm) {
    word(opcode | rd << 7 | funct3 << 12 | rs1 << 15 | imm << 20);
  }

  void addi(int rd, int rs1, int imm) {
    i(0x13, 0, rd, rs1, imm);
  }

  void slli(int rd, int rs1, int by) {
    i(0x13, 1, rd, rs1, by);
  }

  void lui(int rd, int upper) {
    word(0x37 | rd << 7 | upper << 12);
  }

  void auipc(int rd) {
    word(0x17 | rd << 7);
  }

  /** A constant of up to 31 bits. */
  void li(int rd, int value) {
    lui(rd, value + 0x800 >>> 12);
    addi(rd, rd, value << 20 >> 20);
  }

  void op(int funct3, int funct7, int rd, int rs1, int rs2) {
    word(0x33 | rd << 7 | funct3 << 12 | rs1 << 15 | rs2 << 20 | funct7 << 25);
  }

  void add(int rd, int rs1, int rs2) {
    op(0, 0, rd, rs1, rs2);
  }

  /** Loads of funct3: 3 ld, 4 lbu. */
  void load(int funct3, int rd, int rs1, int imm) {
    i(0x03, funct3, rd, rs1, imm);
  }

  /** Stores of funct3: 0 sb, 2 sw, 3 sd. */
  void store(int funct3, int rs2, int rs1, int imm) {
    word(0x23 | (imm & 31) << 7 | funct3 << 12 | rs1 << 15 | rs2 << 20 | imm >> 5 << 25);
  }

  void csrw(int csr, int rs1) {
    i(0x73, 1, 0, rs1, csr);
  }

  void csrr(int rd, int csr) {
    i(0x73, 2, rd, 0, csr);
  }

  void beq(int rs1, int rs2, String label) {
    uses.put(out.position(), label);
    word(0x63 | rs1 << 15 | rs2 << 20);
  }

  void bne(int rs1, int rs2, String label) {
    uses.put(out.position(), label);
    word(0x63 | 1 << 12 | rs1 << 15 | rs2 << 20);
  }

  void j(String label) {
    uses.put(out.position(), label);
    word(0x6f);
  }

  private static int branchOffset(int by) {
    return (by >>> 11 & 1) << 7
        | (by >>> 1 & 15) << 8
        | (by >>> 5 & 63) << 25
        | (by >>> 12 & 1) << 31;
  }

  private static int jumpOffset(int by) {
    return (by >>> 12 & 0xff) << 12
        | (by >>> 11 & 1) << 20
        | (by >>> 1 & 0x3ff) << 21
        | (by >>> 20 & 1) << 31;
  }
}
