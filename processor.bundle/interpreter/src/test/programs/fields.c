// What the fields of the privileged registers accept, and what follows from them (RISC-V Priv. chapters 3 and 4). Each
// expectation is the specification's, or this machine's choice where that leaves one; what is not met is printed.
#include "expect.h"

// Writes a register and reads it.
#define BECOMES(name, value, wanted)                             \
  do {                                                           \
    write_csr(name, value);                                      \
    expect(#name " after " #value, wanted, read_csr(name));      \
  } while (0)

// The cause of what an instruction in M-mode traps with.
#define CAUSE(text, x0, x1) ((void)TRY(text, x0, x1), last.cause)

// Code for other modes; what does nothing runs into an ebreak.
#define CODE(name, text) \
  __asm__(".balign 8\n" #name ": " text "\nebreak\nebreak\n"); \
  extern char name[];
CODE(do_nothing, "nop")
CODE(do_ecall, "ecall")
CODE(do_ebreak, "ebreak")
CODE(do_short_ebreak, ".option push\n.option rvc\nc.ebreak\nc.nop\n.option pop")
CODE(do_mret, "mret")
CODE(do_sret, "sret")
CODE(do_wfi, "wfi")
CODE(do_satp, "csrr a0, satp")
CODE(do_write_satp, "csrw satp, zero")
CODE(do_sfence, "sfence.vma")
CODE(do_stimecmp, "csrr a0, 0x14d")
CODE(do_write_stimecmp, "csrw 0x14d, a0")
CODE(do_cycle, "rdcycle a0")
CODE(do_time, "rdtime a0")
CODE(do_instret, "rdinstret a0")
CODE(do_event, "csrr a0, 0xc03")
CODE(do_last_event, "csrr a0, 0xc1f")
CODE(do_fcsr, "csrr a0, fcsr")
CODE(do_float, "fadd.d f0, f0, f0")
CODE(do_zero_block, "la a0, block\n.word 0x0045200f")
CODE(do_clean_block, "la a0, block\n.word 0x0015200f")
CODE(do_forget_block, "la a0, block\n.word 0x0005200f")
CODE(do_odd_jump, "la a0, 1f + 1\njr a0\nebreak\n1: ecall")
CODE(do_half_jump, "la a0, 1f\njr a0\n.option push\n.option rvc\nc.nop\n1: c.nop\n.option pop\necall")
CODE(do_sstatus, "csrr a0, sstatus")
__asm__(".bss\n.balign 64\nblock: .space 64\n.text\n");

#define BREAKPOINT 3
#define ILLEGAL 2
#define FROM_U 8
#define FROM_S 9

static uint64_t run(char *code, uint64_t status) {
  last.cause = NO_TRAP;
  go((uint64_t)code, status);
  write_csr(mstatus, 0);
  return last.cause;
}

static void status(void) {
  uint64_t wide = 0xaul << 32;
  BECOMES(mstatus, 0, wide);
  BECOMES(mstatus, ~0ul, wide | 1ul << 63 | 0x7e79aa);
  expect("sstatus of all", 2ul << 32 | 1ul << 63 | 0xc6122, read_csr(sstatus));
  BECOMES(mstatus, 0x2000, wide | 0x2000);
  BECOMES(mstatus, 0x4000, wide | 0x4000);
  BECOMES(mstatus, 0x6000, wide | 1ul << 63 | 0x6000);
  write_csr(mstatus, 0);
  write_csr(sstatus, ~0ul);
  expect("mstatus after sstatus", wide | 1ul << 63 | 0xc6122, read_csr(mstatus));
  write_csr(mstatus, MPP_M);
  write_csr(mstatus, 2ul << 11);
  expect("a mode that is not there", MPP_M, read_csr(mstatus) & MPP_M);
  // FS off: neither instructions nor registers; anything else becomes Dirty by a write.
  expect("float, off", ILLEGAL, run(do_float, MPP_M));
  expect("fcsr, off", ILLEGAL, run(do_fcsr, MPP_M));
  expect("float, Initial", BREAKPOINT, run(do_float, MPP_M | 0x2000));
  expect("Dirty then", 3ul << 13, last.status & 0x6000);
  expect("SD then", 1, last.status >> 63);
  expect("fcsr, Clean", BREAKPOINT, run(do_fcsr, MPP_S | 0x4000));
  expect("Clean still", 2ul << 13, last.status & 0x6000);
  uint64_t misa = read_csr(misa);
  BECOMES(misa, 0, misa);
  BECOMES(misa, misa & ~4ul, misa);
  expect("64 bits, IMAFDCSU", 2ul << 62 | 0x14112d, misa & (3ul << 62 | 0x14112d));
}

static void traps(void) {
  BECOMES(medeleg, ~0ul, 0xb3ff);
  BECOMES(medeleg, 0, 0);
  BECOMES(mideleg, ~0ul, 0x222);
  BECOMES(mie, ~0ul, 0xaaa);
  expect("sie of all", 0x222, read_csr(sie));
  write_csr(mideleg, 2);
  expect("sie, software delegated", 2, read_csr(sie));
  write_csr(sie, 0);
  expect("only that is cleared", 0xaa8, read_csr(mie));
  write_csr(mie, 0);
  write_csr(mideleg, 0);
  BECOMES(mip, ~0ul, 0x222);
  expect("sip, none delegated", 0, read_csr(sip));
  write_csr(mideleg, 0x222);
  write_csr(sip, 0);
  expect("sip: software only", 0x220, read_csr(mip));
  BECOMES(mip, 0, 0);
  write_csr(mideleg, 0);
  BECOMES(mtvec, 0x80000401, 0x80000401);
  BECOMES(mtvec, 0x80000802, 0x80000401);
  BECOMES(mtvec, 0x80000803, 0x80000401);
  write_csr(mtvec, trap_entry);
  BECOMES(stvec, 0x80000405, 0x80000405);
  BECOMES(stvec, 0x80000806, 0x80000405);
  write_csr(stvec, supervisor_entry);
  BECOMES(mepc, 0x80000007, 0x80000006);
  BECOMES(sepc, ~0ul, ~1ul);
  BECOMES(mtval, ~0ul, ~0ul);
  BECOMES(stval, 0x1234567812345678, 0x1234567812345678);
  expect("ecall from U", FROM_U, run(do_ecall, 0));
  expect("its value", 0, last.value);
  expect("ecall from S", FROM_S, run(do_ecall, MPP_S));
  expect("its value", 0, last.value);
  expect("ecall from M", 11, run(do_ecall, MPP_M));
  expect("ebreak", BREAKPOINT, run(do_ebreak, MPP_S));
  expect("its value is its address", (uint64_t)do_ebreak, last.value);
  expect("its pc", (uint64_t)do_ebreak, last.pc);
  expect("c.ebreak", BREAKPOINT, run(do_short_ebreak, 0));
  expect("its value is its address", (uint64_t)do_short_ebreak, last.value);
  // With two-byte instructions no jump is misaligned; the lowest bit of jalr's sum is dropped.
  expect("to an odd address", FROM_U, run(do_odd_jump, 0));
  expect("to half a word", FROM_U, run(do_half_jump, 0));
}

static void returns(void) {
  expect("mret from S", ILLEGAL, run(do_mret, MPP_S));
  expect("mret from U", ILLEGAL, run(do_mret, 0));
  expect("its value", 0x30200073, last.value);
  expect("sret from U", ILLEGAL, run(do_sret, 0));
  expect("sret, TSR", ILLEGAL, run(do_sret, MPP_S | 1 << 22));
  write_csr(sepc, do_ecall);
  expect("sret to U, TSR, from M", FROM_U, run(do_sret, MPP_M | 1 << 22 | 0x20));
  expect("SIE becomes SPIE", 0x22, last.status & 0x122);
  expect("sret to S", FROM_S, run(do_sret, MPP_S | 0x100));
  expect("SIE becomes SPIE, SPP U", 0x20, last.status & 0x122);
  // MPRV ends with a return to a mode below M, and only then.
  run(do_nothing, MPP_M | MPRV);
  expect("mret to M keeps MPRV", MPRV, last.status & MPRV);
  run(do_nothing, MPP_S | MPRV);
  expect("mret to S ends it", 0, last.status & MPRV);
  run(do_nothing, MPRV);
  expect("mret to U ends it", 0, last.status & MPRV);
  expect("MPP after a trap from U", 0, last.status & MPP_M);
  expect("wfi in U", ILLEGAL, run(do_wfi, 0));
  expect("wfi, TW", ILLEGAL, run(do_wfi, MPP_S | 1 << 21));
  set_csr(mip, 2);
  write_csr(mie, 2);
  expect("wfi in S, an interrupt pending that goes to M", (1ul << 63) | 1, run(do_wfi, MPP_S));
  expect("wfi in M, TW, interrupts off", BREAKPOINT, run(do_wfi, MPP_M | 1 << 21));
  write_csr(mie, 0);
  clear_csr(mip, 2);
  expect("satp, TVM", ILLEGAL, run(do_satp, MPP_S | 1 << 20));
  expect("write of satp, TVM", ILLEGAL, run(do_write_satp, MPP_S | 1 << 20));
  expect("sfence.vma, TVM", ILLEGAL, run(do_sfence, MPP_S | 1 << 20));
  expect("sfence.vma in M, TVM", BREAKPOINT, run(do_sfence, MPP_M | 1 << 20));
  expect("satp in U", ILLEGAL, run(do_satp, 0));
  expect("sstatus in U", ILLEGAL, run(do_sstatus, 0));
}

static void counters(void) {
  BECOMES(mcounteren, ~0ul, 7);
  BECOMES(scounteren, ~0ul, 7);
  BECOMES(mcountinhibit, ~0ul, 5);
  write_csr(mcountinhibit, 0);
  expect("an event counter in S", ILLEGAL, run(do_event, MPP_S));
  expect("the last one in U", ILLEGAL, run(do_last_event, 0));
  expect("one in M", BREAKPOINT, run(do_event, MPP_M));
  BECOMES(mhpmcounter3, ~0ul, 0);
  BECOMES(mhpmcounter31, ~0ul, 0);
  BECOMES(mhpmevent3, ~0ul, 0);
  BECOMES(mhpmevent31, ~0ul, 0);
  static char *const codes[] = {do_cycle, do_time, do_instret};
  for (uint64_t bit = 0; bit < 3; bit++) {
    for (uint64_t enables = 0; enables < 4; enables++) {
      write_csr(mcounteren, enables & 1 ? 1ul << bit : 7 ^ 1ul << bit);
      write_csr(scounteren, enables & 2 ? 1ul << bit : 7 ^ 1ul << bit);
      expect("a counter in M", BREAKPOINT, run(codes[bit], MPP_M));
      expect("in S", enables & 1 ? BREAKPOINT : ILLEGAL, run(codes[bit], MPP_S));
      expect("in U", enables == 3 ? BREAKPOINT : ILLEGAL, run(codes[bit], 0));
    }
  }
  expect("cycle is read-only", ILLEGAL, CAUSE("csrw cycle, zero", 0, 0));
  expect("a read of it by csrs", NO_TRAP, CAUSE("csrs cycle, zero", 0, 0));
  expect("mvendorid is read-only", ILLEGAL, CAUSE("csrw mvendorid, zero", 0, 0));
  expect("an odd pmpcfg", ILLEGAL, CAUSE("csrr a0, 0x3a1", 0, 0));
  expect("one of debug mode", ILLEGAL, CAUSE("csrr a0, 0x7b0", 0, 0));
  expect("one of a hypervisor", ILLEGAL, CAUSE("csrr a0, 0x600", 0, 0));
  expect("one of 32 bits", ILLEGAL, CAUSE("csrr a0, 0xc80", 0, 0));
  // Overflow, and the instruction after a write sees what was written.
  uint64_t got;
  __asm__ volatile("csrw minstret, %1\ncsrr %0, minstret" : "=&r"(got) : "r"(~0ul));
  expect("minstret", ~0ul, got);
  __asm__ volatile("csrw minstret, %1\nnop\ncsrr %0, minstret" : "=&r"(got) : "r"(~0ul));
  expect("minstret overflows", 0, got);
  // There is no trigger: the selector stays 0, and what it selects has no type.
  BECOMES(tselect, 1ul << 63, 0);
  BECOMES(tselect, 1, 0);
  BECOMES(tdata1, 2ul << 60 | 0x44, 0);
  BECOMES(tdata2, 0x80000000, 0);
  expect("tinfo", 1, read_csr(0x7a4));
}

static void timer(void) {
  write_csr(mie, 0);
  write_csr(mcounteren, 7);
  write_csr(menvcfg, 0);
  expect("stimecmp, STCE off", ILLEGAL, run(do_stimecmp, MPP_S));
  expect("write of it", ILLEGAL, run(do_write_stimecmp, MPP_S));
  expect("in M", BREAKPOINT, run(do_stimecmp, MPP_M));
  set_csr(mip, 0x20);
  expect("STIP is a bit", 0x20, read_csr(mip));
  write_csr(0x14d, ~0ul);
  write_csr(menvcfg, 1ul << 63);
  expect("STIP is stimecmp's, STCE on", 0, read_csr(mip));
  set_csr(mip, 0x20);
  expect("and nobody else's", 0, read_csr(mip));
  write_csr(0x14d, 0);
  expect("the time has come", 0x20, read_csr(mip));
  clear_csr(mip, 0x20);
  expect("and cannot be cleared", 0x20, read_csr(mip));
  write_csr(menvcfg, 0);
  expect("STCE off again", 0, read_csr(mip));
  write_csr(menvcfg, 1ul << 63);
  write_csr(0x14d, ~0ul);
  expect("the end of time", 0, read_csr(mip));
  expect("stimecmp, STCE and TM on", BREAKPOINT, run(do_stimecmp, MPP_S));
  expect("in U", ILLEGAL, run(do_stimecmp, 0));
  write_csr(mcounteren, 5);
  expect("stimecmp, TM off", ILLEGAL, run(do_stimecmp, MPP_S));
}

static void environment(void) {
  BECOMES(menvcfg, ~0ul, 7ul << 61 | 0xf1);
  BECOMES(senvcfg, ~0ul, 0xf1);
  BECOMES(menvcfg, 0x10, 0x10);
  BECOMES(menvcfg, 0x20, 0x10); // CBIE 2 is reserved
  BECOMES(senvcfg, 0, 0);
  BECOMES(senvcfg, 0xe0, 0xc0);
  static const struct {
    char *code;
    uint64_t bits;
  } blocks[] = {{do_zero_block, 0x80}, {do_clean_block, 0x40}, {do_forget_block, 0x30}};
  for (int i = 0; i < 3; i++) {
    for (int enables = 0; enables < 4; enables++) {
      write_csr(menvcfg, enables & 1 ? blocks[i].bits : 0xf0 & ~blocks[i].bits);
      write_csr(senvcfg, enables & 2 ? blocks[i].bits : 0xf0 & ~blocks[i].bits);
      expect("cache blocks in M", BREAKPOINT, run(blocks[i].code, MPP_M));
      expect("in S", enables & 1 ? BREAKPOINT : ILLEGAL, run(blocks[i].code, MPP_S));
      expect("in U", enables == 3 ? BREAKPOINT : ILLEGAL, run(blocks[i].code, 0));
    }
  }
  write_csr(menvcfg, 0);
  write_csr(senvcfg, 0);
}

static void translation_modes(void) {
  BECOMES(satp, 0, 0);
  for (uint64_t mode = 1; mode < 16; mode++) {
    uint64_t value = mode << 60 | 0xffffful << 40 | 0x80000;
    write_csr(satp, value);
    uint64_t there = mode >= 8 && mode <= 10 ? value : 0;
    expect("satp", there, read_csr(satp));
    write_csr(satp, 0);
  }
}

int main(void) {
  write_csr(pmpaddr0, ~0ul);
  write_csr(pmpcfg0, 0x1f);
  write_csr(0x14d, ~0ul);
  status();
  traps();
  returns();
  counters();
  timer();
  environment();
  translation_modes();
  show_expectations();
  return 0;
}
