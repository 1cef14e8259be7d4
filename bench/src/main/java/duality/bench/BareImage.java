package duality.bench;

import static duality.bench.Assembler.*;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A program as bare metal for QEMU's {@code virt}: it runs in user mode behind Sv39 page tables,
 * and forty instructions in machine mode serve its system calls {@code write}, {@code
 * clock_gettime} and {@code exit}. So the same instructions are executed as under a kernel, without
 * one.
 */
final class BareImage {
  static final long RAM = 0x80000000L;
  static final long SERIAL = 0x10000000L;
  static final long FINISHER = 0x100000L;
  static final long MTIME = 0x200bff8L;
  private static final int PAGE = 4096;

  /** User addresses 0 to 2 MiB lie here. */
  private static final int USER = 0x200000;

  private static final int USER_BYTES = 512 * PAGE;
  private static final int HANDLER = 0x100;
  private static final int SAVED = 0x400;
  private static final long USER_LEAF = 0xdf;

  private BareImage() {}

  /** The contents of memory from {@link #RAM}; it starts at its first byte in machine mode. */
  static byte[] memory(GuestProgram program, String... arguments) {
    ByteBuffer memory = ByteBuffer.allocate(USER + USER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    long stackPointer = USER_BYTES - PAGE;
    memory.put(0, code(program.entry(), stackPointer));
    memory.putLong(PAGE, entry(2 * PAGE, 1));
    memory.putLong(2 * PAGE, entry(3 * PAGE, 1));
    for (int n = 0; n < 512; n++) {
      memory.putLong(3 * PAGE + 8 * n, entry(USER + PAGE * n, USER_LEAF));
    }
    memory.put(USER + (int) program.base(), program.image());
    memory.put(USER + (int) stackPointer, GuestProgram.stack(stackPointer, arguments));
    return memory.array();
  }

  private static long entry(int offset, long flags) {
    return RAM + offset >> 12 << 10 | flags;
  }

  /** An ELF file with that memory as its only segment. */
  static byte[] elf(byte[] memory) {
    ByteBuffer elf = ByteBuffer.allocate(PAGE + memory.length).order(ByteOrder.LITTLE_ENDIAN);
    elf.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1, 0}).putLong(0);
    elf.putShort((short) 2).putShort((short) 243).putInt(1);
    elf.putLong(RAM).putLong(64).putLong(0);
    elf.putInt(5).putShort((short) 64).putShort((short) 56).putShort((short) 1);
    elf.position(64);
    elf.putInt(1).putInt(7).putLong(PAGE).putLong(RAM).putLong(RAM);
    elf.putLong(memory.length).putLong(memory.length).putLong(PAGE);
    return elf.put(PAGE, memory).array();
  }

  private static byte[] code(long entry, long stackPointer) {
    Assembler a = new Assembler(PAGE);
    a.auipc(T0);
    a.addi(T0, T0, HANDLER);
    a.csrw(0x305, T0); // mtvec
    a.addi(T1, 0, -1);
    a.csrw(0x3b0, T1); // pmpaddr0, pmpcfg0: all memory is allowed
    a.addi(T1, 0, 0x1f);
    a.csrw(0x3a0, T1);
    a.addi(T1, 0, 8);
    a.slli(T1, T1, 60);
    a.lui(T2, 0x80);
    a.addi(T2, T2, 1);
    a.add(T1, T1, T2);
    a.csrw(0x180, T1); // satp: Sv39, the table in the second page
    a.word(0x12000073); // sfence.vma
    a.li(T1, (int) entry);
    a.csrw(0x341, T1); // mepc
    a.csrw(0x300, 0); // mstatus: previous mode U
    a.li(SP, (int) stackPointer);
    a.word(0x30200073); // mret
    a.at(HANDLER);
    handler(a);
    return a.finish();
  }

  private static void handler(Assembler a) {
    a.csrw(0x340, T0); // mscratch
    a.auipc(T0);
    a.store(3, T1, T0, SAVED);
    a.store(3, T2, T0, SAVED + 8);
    a.store(3, T3, T0, SAVED + 16);
    a.store(3, T4, T0, SAVED + 24);
    a.csrr(T1, 0x342); // mcause
    a.addi(T2, 0, 8);
    a.bne(T1, T2, "off");
    a.addi(T2, 0, 0x401);
    a.slli(T2, T2, 21);
    a.add(T2, T2, A1); // the physical address of the argument
    a.addi(T1, 0, 64);
    a.beq(A7, T1, "write");
    a.addi(T1, 0, 113);
    a.beq(A7, T1, "clock");
    a.addi(T1, 0, 94);
    a.beq(A7, T1, "off");
    a.addi(A0, 0, -38);
    a.j("done");

    a.label("write");
    a.add(T3, T2, A2);
    a.lui(T1, (int) (SERIAL >> 12));
    a.label("next");
    a.beq(T2, T3, "written");
    a.load(4, T4, T2, 0);
    a.store(0, T4, T1, 0);
    a.addi(T2, T2, 1);
    a.j("next");
    a.label("written");
    a.addi(A0, A2, 0);
    a.j("done");

    a.label("clock");
    a.lui(T1, 0x200c);
    a.load(3, T1, T1, -8); // mtime, 10 MHz
    a.li(T3, 10_000_000);
    a.op(5, 1, T4, T1, T3); // divu
    a.store(3, T4, T2, 0);
    a.op(7, 1, T4, T1, T3); // remu
    a.addi(T3, 0, 100);
    a.op(0, 1, T4, T4, T3); // mul
    a.store(3, T4, T2, 8);
    a.addi(A0, 0, 0);

    a.label("done");
    a.csrr(T1, 0x341);
    a.addi(T1, T1, 4);
    a.csrw(0x341, T1);
    a.load(3, T1, T0, SAVED);
    a.load(3, T2, T0, SAVED + 8);
    a.load(3, T3, T0, SAVED + 16);
    a.load(3, T4, T0, SAVED + 24);
    a.csrr(T0, 0x340);
    a.word(0x30200073); // mret

    a.label("off");
    a.lui(T1, (int) (FINISHER >> 12));
    a.li(T2, 0x5555);
    a.store(2, T2, T1, 0);
    a.label("ever");
    a.j("ever");
  }
}
