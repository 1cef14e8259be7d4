package duality.processor.interpreter;

import java.io.ByteArrayOutputStream;

/** Instruction words for tests, and a code buffer to put them in. */
final class Words {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  int size() {
    return bytes.size();
  }

  byte[] bytes() {
    return bytes.toByteArray();
  }

  void append(byte[] code) {
    bytes.writeBytes(code);
  }

  void half(int h) {
    bytes.write(h);
    bytes.write(h >>> 8);
  }

  void word(int w) {
    half(w);
    half(w >>> 16);
  }

  static int r(int opcode, int rd, int funct3, int rs1, int rs2, int funct7) {
    return opcode | rd << 7 | funct3 << 12 | rs1 << 15 | rs2 << 20 | funct7 << 25;
  }

  static int i(int opcode, int rd, int funct3, int rs1, int imm) {
    return opcode | rd << 7 | funct3 << 12 | rs1 << 15 | imm << 20;
  }

  static int s(int opcode, int funct3, int rs1, int rs2, int imm) {
    return opcode | (imm & 31) << 7 | funct3 << 12 | rs1 << 15 | rs2 << 20 | (imm >> 5) << 25;
  }

  static int b(int funct3, int rs1, int rs2, int by) {
    return 0x63
        | (by >>> 11 & 1) << 7
        | (by >>> 1 & 15) << 8
        | funct3 << 12
        | rs1 << 15
        | rs2 << 20
        | (by >>> 5 & 63) << 25
        | (by >>> 12 & 1) << 31;
  }

  static int j(int rd, int by) {
    return 0x6f
        | rd << 7
        | (by >>> 12 & 0xff) << 12
        | (by >>> 11 & 1) << 20
        | (by >>> 1 & 0x3ff) << 21
        | (by >>> 20 & 1) << 31;
  }

  static int addi(int rd, int rs1, int imm) {
    return i(0x13, rd, 0, rs1, imm);
  }

  static int ld(int rd, int rs1, int imm) {
    return i(0x03, rd, 3, rs1, imm);
  }

  static int sd(int rs2, int rs1, int imm) {
    return s(0x23, 3, rs1, rs2, imm);
  }

  static int fld(int rd, int rs1, int imm) {
    return i(0x07, rd, 3, rs1, imm);
  }

  static int fsd(int rs2, int rs1, int imm) {
    return s(0x27, 3, rs1, rs2, imm);
  }

  /** {@code csrrw rd, csr, rs1}. */
  static int csrrw(int rd, int csr, int rs1) {
    return i(0x73, rd, 1, rs1, csr);
  }
}
