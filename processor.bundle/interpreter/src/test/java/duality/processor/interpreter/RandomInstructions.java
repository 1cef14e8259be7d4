package duality.processor.interpreter;

import java.util.random.RandomGenerator;

/**
 * Random instructions that never trap in user mode. x2 and x8 hold the address of a scratch page's
 * middle, x29 and x31 are the test frame's; none of these is written.
 */
final class RandomInstructions {
  static final int BASE = 8;
  static final int STACK = 2;
  static final int LINK = 29;
  static final int BLOCK = 31;

  /** What a stream is made of. */
  enum Mix {
    INTEGER,
    BITS,
    COMPRESSED,
    ATOMIC,
    SINGLE,
    DOUBLE,
    EVERYTHING
  }

  private final RandomGenerator random;
  private final Words out;

  RandomInstructions(RandomGenerator random, Words out) {
    this.random = random;
    this.out = out;
  }

  /** Appends one instruction, or a few that belong together. */
  void append(Mix mix) {
    Mix[] all = Mix.values();
    Mix one = mix == Mix.EVERYTHING ? all[random.nextInt(all.length - 1)] : mix;
    switch (one) {
      case INTEGER -> integer();
      case BITS -> bits();
      case COMPRESSED -> compressed();
      case ATOMIC -> atomic();
      case SINGLE -> floating(0);
      default -> floating(1);
    }
  }

  private int any() {
    return random.nextInt(32);
  }

  private int target() {
    for (; ; ) {
      int r = random.nextInt(32);
      if (r != BASE && r != STACK && r != LINK && r != BLOCK) {
        return r;
      }
    }
  }

  private int imm12() {
    return random.nextInt(4) == 0 ? random.nextInt(-4, 4) : random.nextInt(-2048, 2048);
  }

  private int near() {
    return random.nextInt(-2040, 2040);
  }

  private void integer() {
    int f3 = random.nextInt(8);
    switch (random.nextInt(12)) {
      case 0 -> immediate(f3);
      case 1 -> immediateWord();
      case 2 -> out.word(Words.r(0x33, target(), f3, any(), any(), 0));
      case 3 -> out.word(Words.r(0x33, target(), random.nextBoolean() ? 0 : 5, any(), any(), 0x20));
      case 4 -> out.word(Words.r(0x33, target(), f3, any(), any(), 1));
      case 5 -> {
        int[] sub = {0, 1, 5};
        int chosen = sub[random.nextInt(3)];
        int f7 = chosen != 1 && random.nextBoolean() ? 0x20 : 0;
        out.word(Words.r(0x3b, target(), chosen, any(), any(), f7));
      }
      case 6 -> {
        int[] sub = {0, 4, 5, 6, 7};
        out.word(Words.r(0x3b, target(), sub[random.nextInt(5)], any(), any(), 1));
      }
      case 7 -> out.word(Words.i(0x03, target(), random.nextInt(7), BASE, near()));
      case 8 -> out.word(Words.s(0x23, random.nextInt(4), BASE, any(), near()));
      case 9 ->
          out.word(
              (random.nextBoolean() ? 0x37 : 0x17) | target() << 7 | random.nextInt() & 0xfffff000);
      case 10 -> {
        int[] sub = {0, 1, 4, 5, 6, 7};
        out.word(Words.b(sub[random.nextInt(6)], any(), any(), 8));
        out.word(Words.addi(target(), any(), imm12()));
      }
      default -> {
        out.word(Words.j(target(), 8));
        out.word(Words.addi(target(), any(), imm12()));
      }
    }
  }

  /** Zba, Zbb, Zbc and Zbs, without ctzw, which QEMU 7.2 does on 64 bits. */
  private void bits() {
    int[][] register = {
      {0x3b, 0x04, 0}, {0x3b, 0x10, 2}, {0x3b, 0x10, 4}, {0x3b, 0x10, 6}, {0x3b, 0x30, 1},
      {0x3b, 0x30, 5}, {0x33, 0x10, 2}, {0x33, 0x10, 4}, {0x33, 0x10, 6}, {0x33, 0x20, 4},
      {0x33, 0x20, 6}, {0x33, 0x20, 7}, {0x33, 0x05, 1}, {0x33, 0x05, 2}, {0x33, 0x05, 3},
      {0x33, 0x05, 4}, {0x33, 0x05, 5}, {0x33, 0x05, 6}, {0x33, 0x05, 7}, {0x33, 0x30, 1},
      {0x33, 0x30, 5}, {0x33, 0x24, 1}, {0x33, 0x24, 5}, {0x33, 0x34, 1}, {0x33, 0x14, 1}
    };
    int[][] one = {
      {0x13, 1, 0x600},
      {0x13, 1, 0x601},
      {0x13, 1, 0x602},
      {0x13, 1, 0x604},
      {0x13, 1, 0x605},
      {0x1b, 1, 0x600},
      {0x1b, 1, 0x602},
      {0x3b, 4, 0x080},
      {0x13, 5, 0x287},
      {0x13, 5, 0x6b8}
    };
    int[][] shift = {
      {0x13, 5, 0x600, 64},
      {0x1b, 5, 0x600, 32},
      {0x1b, 1, 0x080, 64},
      {0x13, 1, 0x480, 64},
      {0x13, 5, 0x480, 64},
      {0x13, 1, 0x680, 64},
      {0x13, 1, 0x280, 64}
    };
    switch (random.nextInt(3)) {
      case 0 -> {
        int[] form = register[random.nextInt(register.length)];
        out.word(Words.r(form[0], target(), form[2], any(), any(), form[1]));
      }
      case 1 -> {
        int[] form = one[random.nextInt(one.length)];
        out.word(Words.i(form[0], target(), form[1], any(), form[2]));
      }
      default -> {
        int[] form = shift[random.nextInt(shift.length)];
        out.word(Words.i(form[0], target(), form[1], any(), form[2] | random.nextInt(form[3])));
      }
    }
  }

  private void immediate(int f3) {
    int imm =
        switch (f3) {
          case 1 -> random.nextInt(64);
          case 5 -> random.nextInt(64) | (random.nextBoolean() ? 0x400 : 0);
          default -> imm12();
        };
    out.word(Words.i(0x13, target(), f3, any(), imm));
  }

  private void immediateWord() {
    switch (random.nextInt(3)) {
      case 0 -> out.word(Words.i(0x1b, target(), 0, any(), imm12()));
      case 1 -> out.word(Words.i(0x1b, target(), 1, any(), random.nextInt(32)));
      default ->
          out.word(
              Words.i(
                  0x1b,
                  target(),
                  5,
                  any(),
                  random.nextInt(32) | (random.nextBoolean() ? 0x400 : 0)));
    }
  }

  private void atomic() {
    int width = random.nextBoolean() ? 2 : 3;
    int order = random.nextInt(4);
    int[] operations = {0, 1, 4, 8, 12, 16, 20, 24, 28};
    if (random.nextInt(4) != 0) {
      int what = operations[random.nextInt(operations.length)];
      out.word(Words.r(0x2f, target(), width, BASE, any(), what << 2 | order));
      return;
    }
    out.word(Words.r(0x2f, target(), width, BASE, 0, 2 << 2 | order));
    switch (random.nextInt(3)) {
      case 0 -> out.word(Words.s(0x23, 3, BASE, any(), 0)); // may break the reservation's value
      case 1 -> out.word(Words.addi(target(), any(), imm12()));
      default -> {}
    }
    // Never a different width from the load's: implementations may disagree about that.
    out.word(Words.r(0x2f, target(), width, BASE, any(), 3 << 2 | order));
    // A store of the same value breaks no reservation here and none in QEMU; another hart is not
    // there.
  }

  private int rounding() {
    return random.nextInt(3) == 0 ? 7 : random.nextInt(5);
  }

  private void floating(int format) {
    int load = format == 0 ? 2 : 3;
    switch (random.nextInt(14)) {
      case 0, 1, 2, 3 -> {
        int f5 = random.nextInt(4);
        out.word(Words.r(0x53, any(), rounding(), any(), any(), f5 << 2 | format));
      }
      case 4 -> out.word(Words.r(0x53, any(), rounding(), any(), 0, 0x0b << 2 | format));
      case 5 -> out.word(Words.r(0x53, any(), random.nextInt(3), any(), any(), 4 << 2 | format));
      case 6 -> out.word(Words.r(0x53, any(), random.nextInt(2), any(), any(), 5 << 2 | format));
      case 7 ->
          out.word(Words.r(0x53, target(), random.nextInt(3), any(), any(), 0x14 << 2 | format));
      case 8, 9 -> {
        int opcode = 0x43 | random.nextInt(4) << 2;
        int f7 = random.nextInt(32) << 2 | format;
        out.word(Words.r(opcode, any(), rounding(), any(), any(), f7));
      }
      case 10 ->
          out.word(
              Words.r(0x53, target(), rounding(), any(), random.nextInt(4), 0x18 << 2 | format));
      case 11 ->
          out.word(Words.r(0x53, any(), rounding(), any(), random.nextInt(4), 0x1a << 2 | format));
      case 12 -> moves(format);
      default -> {
        if (random.nextBoolean()) {
          out.word(Words.i(0x07, any(), load, BASE, near()));
        } else {
          out.word(Words.s(0x27, load, BASE, any(), near()));
        }
      }
    }
  }

  private void moves(int format) {
    switch (random.nextInt(6)) {
      case 0 -> out.word(Words.r(0x53, target(), 0, any(), 0, 0x1c << 2 | format));
      case 1 -> out.word(Words.r(0x53, target(), 1, any(), 0, 0x1c << 2 | format));
      case 2 -> out.word(Words.r(0x53, any(), 0, any(), 0, 0x1e << 2 | format));
      case 3 -> out.word(Words.r(0x53, any(), rounding(), any(), 1 - format, 8 << 2 | format));
      case 4 -> out.word(Words.i(0x73, target(), 5, random.nextInt(5), 2)); // csrrwi frm
      default -> {
        int f3 = 1 + random.nextInt(3);
        out.word(Words.i(0x73, target(), f3, f3 == 1 ? any() : any(), 1)); // fflags
      }
    }
  }

  /** A register that the short forms can name and that may be written. */
  private int shortTarget() {
    return 1 + random.nextInt(7);
  }

  private void compressed() {
    int rd = target();
    int rs2 = 1 + random.nextInt(31);
    int d = shortTarget();
    int any = random.nextInt(8);
    int bits = random.nextInt(0x10000);
    switch (random.nextInt(22)) {
      case 0 -> out.half(bits & 0x1fe0 | d << 2 | ((bits & 0x1fe0) == 0 ? 0x40 : 0)); // addi4spn
      case 1 -> out.half(0x4000 | bits & 0x1c60 | d << 2); // lw from x8
      case 2 -> out.half(0x6000 | bits & 0x1c60 | d << 2); // ld
      case 3 -> out.half(0x2000 | bits & 0x1c60 | any << 2); // fld
      case 4 -> out.half(0xc000 | bits & 0x1c60 | any << 2); // sw
      case 5 -> out.half(0xe000 | bits & 0x1c60 | any << 2); // sd
      case 6 -> out.half(0xa000 | bits & 0x1c60 | any << 2); // fsd
      case 7 -> out.half(0x0001 | rd << 7 | bits & 0x107c); // addi
      case 8 -> out.half(0x2001 | (rd == 0 ? 1 : rd) << 7 | bits & 0x107c); // addiw
      case 9 -> out.half(0x4001 | rd << 7 | bits & 0x107c); // li
      case 10 -> out.half(0x6001 | rd << 7 | bits & 0x107c | ((bits & 0x107c) == 0 ? 4 : 0)); // lui
      case 11 -> out.half(0x8001 | d << 7 | bits & 0x107c); // srli
      case 12 -> out.half(0x8401 | d << 7 | bits & 0x107c); // srai
      case 13 -> out.half(0x8801 | d << 7 | bits & 0x107c); // andi
      case 14 -> out.half(0x8c01 | d << 7 | bits & 0x0060 | any << 2); // sub xor or and
      case 15 -> out.half(0x9c01 | d << 7 | bits & 0x0020 | any << 2); // subw addw
      case 16 -> out.half(0x0002 | rd << 7 | bits & 0x107c); // slli
      case 17 -> out.half(0x8002 | rd << 7 | rs2 << 2); // mv
      case 18 -> out.half(0x9002 | rd << 7 | rs2 << 2); // add
      case 19 -> {
        int to = rd == 0 ? 1 : rd;
        int form = new int[] {0x4002, 0x6002}[random.nextInt(2)];
        out.half(form | to << 7 | bits & 0x107c); // lwsp ldsp
      }
      case 20 -> {
        int form = new int[] {0xa002, 0xc002, 0xe002}[random.nextInt(3)];
        out.half(form | bits & 0x1f80 | any() << 2); // fsdsp swsp sdsp
      }
      default -> {
        if (random.nextBoolean()) {
          out.half(0x2002 | any() << 7 | bits & 0x107c); // fldsp
        } else {
          out.half((random.nextBoolean() ? 0xc011 : 0xe011) | any << 7); // beqz bnez +4
          out.half(0x0001 | rd << 7 | bits & 0x107c);
        }
      }
    }
  }
}
