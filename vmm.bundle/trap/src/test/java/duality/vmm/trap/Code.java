package duality.vmm.trap;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** Small kernels for tests: instructions, and the form of a flat image. */
final class Code {
  static final int SSTATUS = 0x100;
  static final int STVEC = 0x105;
  static final int SEPC = 0x141;
  static final int SATP = 0x180;
  static final int SRET = 0x10200073;

  /** Where the first instruction is. */
  static final long START = 0x8020_0040L;

  private static final int HEADER_BYTES = 64;

  private Code() {}

  static int i(int opcode, int rd, int funct3, int rs1, int imm) {
    return opcode | rd << 7 | funct3 << 12 | rs1 << 15 | imm << 20;
  }

  static int addi(int rd, int rs1, int imm) {
    return i(0x13, rd, 0, rs1, imm);
  }

  static int slli(int rd, int rs1, int by) {
    return i(0x13, rd, 1, rs1, by);
  }

  static int srli(int rd, int rs1, int by) {
    return i(0x13, rd, 5, rs1, by);
  }

  static int or(int rd, int rs1, int rs2) {
    return 0x33 | rd << 7 | 6 << 12 | rs1 << 15 | rs2 << 20;
  }

  static int lui(int rd, int upper) {
    return 0x37 | rd << 7 | upper << 12;
  }

  static int auipc(int rd, int upper) {
    return 0x17 | rd << 7 | upper << 12;
  }

  static int load(int funct3, int rd, int rs1, int imm) {
    return i(0x03, rd, funct3, rs1, imm);
  }

  static int store(int funct3, int rs2, int rs1, int imm) {
    return 0x23 | (imm & 31) << 7 | funct3 << 12 | rs1 << 15 | rs2 << 20 | (imm >> 5 & 127) << 25;
  }

  static int csrw(int csr, int rs1) {
    return i(0x73, 0, 1, rs1, csr);
  }

  static int csrr(int rd, int csr) {
    return i(0x73, rd, 2, 0, csr);
  }

  static int csrs(int csr, int rs1) {
    return i(0x73, 0, 2, rs1, csr);
  }

  static int csrc(int csr, int rs1) {
    return i(0x73, 0, 3, rs1, csr);
  }

  static int jump(int by) {
    return 0x6f
        | (by >>> 20 & 1) << 31
        | (by >>> 1 & 0x3ff) << 21
        | (by >>> 11 & 1) << 20
        | (by >>> 12 & 0xff) << 12;
  }

  static int[] all(int[]... parts) {
    return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
  }

  /** Writes a kernel whose first instruction is the first of these. */
  static Path image(Path folder, int... words) throws IOException {
    ByteBuffer image =
        ByteBuffer.allocate(HEADER_BYTES + 4 * words.length).order(ByteOrder.LITTLE_ENDIAN);
    image.putInt(jump(HEADER_BYTES));
    image.putInt(0);
    image.putLong(0x20_0000); // where in memory
    image.putLong(image.capacity());
    image.position(0x30);
    image.putLong(0x5643534952L); // "RISCV"
    image.putInt(0x05435352); // "RSC" 5
    image.position(HEADER_BYTES);
    for (int word : words) {
      image.putInt(word);
    }
    return Files.write(Files.createTempFile(folder, "kernel", ""), image.array());
  }
}
