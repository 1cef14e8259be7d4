package duality.fuzz;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A guest program of steps. A step that traps is given up, and the next one follows: its address is
 * in s11, and the handler goes there. Each step may use t0 to t6 and a0 to a7.
 */
final class Assembly {
  /** Where it is loaded: what starts in M-mode, and what starts in S-mode above it. */
  static final long MACHINE_BASE = 0x8000_0000L;

  static final long SUPERVISOR_BASE = 0x8020_0000L;

  static final int T0 = 5;
  static final int T1 = 6;
  static final int T2 = 7;
  static final int A0 = 10;
  private static final int S11 = 27;

  private static final int MEPC = 0x341;
  private static final int MTVEC = 0x305;
  private static final int MSTATUS = 0x300;
  private static final int SEPC = 0x141;
  private static final int STVEC = 0x105;
  private static final int SSTATUS = 0x100;
  static final int SATP = 0x180;

  // Of the draft extension N.
  private static final int UEPC = 0x041;
  private static final int URET = 0x0020_0073;
  private static final int CAUSES = 16;

  private final ByteArrayOutputStream code = new ByteArrayOutputStream();
  private final boolean machine;
  private int stepStart = -1;

  Assembly(boolean machine) {
    this.machine = machine;
    // A jump over the handler, which stays at offset 4: no translation, the mode it came from.
    word(0x06c0006f);
    for (int n = 0; n < 26; n++) {
      word(n == 0 ? 0 : 0x13);
    }
    byte[] start = code.toByteArray();
    code.reset();
    Assembly handler = new Assembly();
    handler.csrw(SATP, 0);
    if (machine) {
      handler.li(T0, 3L << 11);
      handler.word(MSTATUS << 20 | T0 << 15 | 2 << 12 | 0x73); // csrs
      handler.li(T0, 1L << 17);
      handler.word(MSTATUS << 20 | T0 << 15 | 3 << 12 | 0x73); // csrc: MPRV
      handler.csrw(MEPC, S11);
      handler.csrw(0x304, 0);
      handler.word(0x30200073);
    } else {
      handler.li(T0, 1L << 8);
      handler.word(SSTATUS << 20 | T0 << 15 | 2 << 12 | 0x73);
      handler.csrw(SEPC, S11);
      handler.csrw(0x104, 0);
      handler.word(0x10200073);
    }
    byte[] body = handler.code.toByteArray();
    if (body.length > start.length - 4) {
      throw new IllegalStateException("the handler has " + body.length + " bytes");
    }
    System.arraycopy(body, 0, start, 4, body.length);
    code.writeBytes(start);
    li(T0, base() + 4);
    csrw(machine ? MTVEC : STVEC, T0);
  }

  private Assembly() {
    machine = false;
  }

  /**
   * A program for the inner ring of {@code vmm.xen}: it says first where its exceptions go, which
   * is a handler that goes on with the next step.
   *
   * @param list where in memory it may put that list
   */
  static Assembly paravirtual(long list) {
    Assembly assembly = new Assembly();
    assembly.word(0x0180006f); // over the handler
    assembly.csrw(UEPC, S11);
    assembly.word(URET);
    for (int n = 0; n < 3; n++) {
      assembly.word(0x13);
    }
    for (int cause = 0; cause < CAUSES; cause++) {
      assembly.store(list + 16 * cause, 8, cause);
      assembly.store(list + 16 * cause + 8, 8, SUPERVISOR_BASE + 4);
    }
    assembly.li(A0, list);
    assembly.li(A0 + 1, CAUSES);
    assembly.li(A0 + 7, 0);
    assembly.word(0x73);
    return assembly;
  }

  private long base() {
    return machine ? MACHINE_BASE : SUPERVISOR_BASE;
  }

  /** Begins a step; the one before ends here. */
  void step() {
    patch();
    stepStart = code.size();
    // lui and addiw with the address of the next step, patched when it is known.
    word(0);
    word(0);
    word(0);
  }

  private void patch() {
    if (stepStart < 0) {
      return;
    }
    byte[] all = code.toByteArray();
    long next = base() + all.length;
    ByteBuffer words = ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN);
    // Addresses have 32 bits with the highest set: lui, addiw, and the upper half cleared.
    int upper = (int) (next + 0x800 & 0xffff_f000L);
    words.putInt(stepStart, 0x37 | S11 << 7 | upper);
    words.putInt(stepStart + 4, 0x1b | S11 << 7 | S11 << 15 | (int) next << 20);
    words.putInt(stepStart + 8, 0x0800_003b | S11 << 7 | S11 << 15); // zext.w
    code.reset();
    code.writeBytes(all);
  }

  void word(int word) {
    for (int b = 0; b < 32; b += 8) {
      code.write(word >>> b);
    }
  }

  /** Any value, by its six pieces of 11 bits at most. */
  void li(int register, long value) {
    if (value == (int) value) {
      word(0x37 | register << 7 | (int) (value + 0x800) & 0xfffff000);
      word(0x1b | register << 7 | register << 15 | (int) value << 20);
      return;
    }
    word(0x13 | register << 7 | (int) (value >> 55) << 20);
    for (int shift = 44; shift >= 0; shift -= 11) {
      word(0x13 | register << 7 | 1 << 12 | register << 15 | 11 << 20);
      word(0x13 | register << 7 | 6 << 12 | register << 15 | (int) (value >> shift & 0x7ff) << 20);
    }
  }

  void csrw(int number, int register) {
    word(number << 20 | register << 15 | 1 << 12 | 0x73);
  }

  /** Loads a place into t2. */
  void load(long address, int width) {
    li(T0, address);
    word(0x03 | T2 << 7 | Integer.numberOfTrailingZeros(width) << 12 | T0 << 15);
  }

  void store(long address, int width, long value) {
    li(T0, address);
    li(T1, value);
    word(0x23 | Integer.numberOfTrailingZeros(width) << 12 | T0 << 15 | T1 << 20);
  }

  /** The program as an ELF file: one segment, entered at its start. */
  byte[] elf() {
    patch();
    stepStart = -1;
    byte[] body = code.toByteArray();
    int offset = 0x1000;
    ByteBuffer elf = ByteBuffer.allocate(offset + body.length).order(ByteOrder.LITTLE_ENDIAN);
    elf.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1}).position(16);
    elf.putShort((short) 2).putShort((short) 243).putInt(1).putLong(base()).putLong(64).putLong(0);
    elf.putInt(0).putShort((short) 64).putShort((short) 56).putShort((short) 1);
    elf.position(64);
    elf.putInt(1).putInt(7).putLong(offset).putLong(base()).putLong(base());
    elf.putLong(body.length).putLong(body.length).putLong(4096);
    elf.put(offset, body);
    return elf.array();
  }
}
