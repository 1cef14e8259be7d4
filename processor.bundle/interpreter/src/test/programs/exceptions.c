// Exceptions in machine mode and from lower modes, what they leave in the registers, and which accesses to
// registers are refused.
#include "program.h"

static uint64_t memory[64] __attribute__((aligned(64)));

// Code for the lower modes; each is followed by an ebreak for the case that nothing happens.
#define CODE(name, text) \
  __asm__(".balign 8\n" #name ": " text "\nebreak\nebreak\n"); \
  extern char name[];
CODE(do_ecall, "ecall")
CODE(do_ebreak, "ebreak")
CODE(do_nothing, "nop")
CODE(do_mret, "mret")
CODE(do_sret, "sret")
CODE(do_wfi, "wfi")
CODE(do_sfence, "sfence.vma")
CODE(do_satp, "csrr a0, satp")
CODE(do_mstatus, "csrr a0, mstatus")
CODE(do_sstatus, "csrr a0, sstatus")
CODE(do_cycle, "rdcycle a0")
CODE(do_instret, "rdinstret a0")
CODE(do_time, "rdtime a0")
CODE(do_stimecmp, "csrr a0, 0x14d")
CODE(do_float, "fadd.d f0, f0, f0")
CODE(do_fcsr, "csrr a0, fcsr")
CODE(do_fld, "fld f0, 0(sp)")
CODE(do_write_cycle, "csrw cycle, zero")
CODE(do_illegal, ".word 0xffffffff")
CODE(do_illegal16, ".half 0")

static void enter(const char *name, char *code, uint64_t status) {
  last.cause = NO_TRAP;
  go((uint64_t)code, status);
  print(name);
  print(": ");
  print_hex(last.cause);
  show(" at", last.pc - (uint64_t)code);
  if (last.cause != 3) { // what mtval is for ebreak is the implementation's choice
    show("  tval", last.value);
  }
  show("  status", last.status & 0x807fffe2);
}

static void from(const char *mode, uint64_t status) {
  show(mode, status);
  enter("ecall", do_ecall, status);
  enter("ebreak", do_ebreak, status);
  enter("nothing", do_nothing, status);
  enter("mret", do_mret, status);
  if ((status & MPP_M) == 0 || status & 1 << 21) {
    enter("wfi", do_wfi, status); // elsewhere it may wait for ever
  }
  enter("sfence", do_sfence, status);
  enter("satp", do_satp, status);
  enter("mstatus", do_mstatus, status);
  enter("sstatus", do_sstatus, status);
  enter("cycle", do_cycle, status);
  enter("instret", do_instret, status);
  enter("time", do_time, status);
  enter("stimecmp", do_stimecmp, status);
  enter("float", do_float, status);
  enter("fcsr", do_fcsr, status);
  enter("write cycle", do_write_cycle, status);
  enter("illegal", do_illegal, status);
  enter("illegal16", do_illegal16, status);
}

static void supervisor_traps(uint64_t status) {
  // Delegated: the supervisor's handler notes and leaves by an ecall.
  static char *codes[] = {do_ecall, do_ebreak, do_illegal, do_satp};
  write_csr(medeleg, 0x10c);
  for (int i = 0; i < 4; i++) {
    supervisor.cause = NO_TRAP;
    last.cause = NO_TRAP;
    write_csr(sstatus, 0x122);
    go((uint64_t)codes[i], status);
    show("machine", last.cause);
    show("  supervisor", supervisor.cause);
    if (supervisor.cause != NO_TRAP && supervisor.cause != 3) {
      show("  at", supervisor.pc - (uint64_t)codes[i]);
      show("  stval", supervisor.value);
      show("  sstatus", supervisor.status & 0xfffff);
    }
  }
  write_csr(medeleg, 0);
}

#define WARL(name, value)              \
  do {                                 \
    uint64_t old_ = read_csr(name);    \
    write_csr(name, value);            \
    show(#name, read_csr(name));       \
    write_csr(name, old_);             \
  } while (0)

int main(void) {
  for (int i = 0; i < 64; i++) {
    memory[i] = 0x0123456789abcdeful * (uint64_t)(i + 1);
  }
  uint64_t m = (uint64_t)memory;
  REPORT("ld a0, 1(a0)", m, 0);
  REPORT("lw a0, 3(a0)", m, 0);
  REPORT("lhu a0, 1(a0)", m, 0);
  REPORT("sd a1, 5(a0)", m, 0x1122334455667788);
  REPORT("ld a0, 5(a0)", m, 0);
  REPORT("ld a0, 0(a0)", m, 0);
  REPORT("amoadd.w.aqrl a0, a1, (a0)", m, 5);
  REPORT("amoadd.d a0, a1, (a0)", m, 5);
  REPORT("sc.d a0, a1, (a0)", m, 5);
  REPORT("lr.d a0, (a0)\nsc.w a0, a1, (a1)", m, m + 8);
  REPORT("ld a0, 0(a0)", 0x20000, 0);
  REPORT("sd a0, 8(a0)", 0x20000, 0);
  REPORT("jr a0", 0x20002, 0);
  show("  pc", last.pc);
  REPORT("csrr a0, 0x5c0", 0, 0);
  REPORT("csrw mhartid, a0", 0, 0);
  REPORT("csrr a0, mhartid", 0, 0);
  REPORT("csrs mhartid, zero", 0, 0);
  REPORT("csrrw a0, mscratch, a0\ncsrr a0, mscratch", 0x1234, 0);
  REPORT(".word 0x0000007b", 0, 0);
  REPORT(".word 0x00105073", 0, 0);
  REPORT(".word 0x02000033 | 1 << 25 | 1 << 31", 0, 0);
  REPORT(".word 0x12345600 | 0x2f", 0, 0);

  WARL(mtvec, 0x80000101);
  WARL(stvec, 0x80000104);
  WARL(medeleg, 0xb1ff);
  WARL(mideleg, 0x222);
  WARL(mscratch, ~0ul);
  WARL(mcounteren, 7);
  WARL(scounteren, 7);
  write_csr(satp, 0);
  write_csr(mstatus, 0);
  show("mstatus", read_csr(mstatus));
  write_csr(mstatus, 0x7e79aa);
  show("mstatus", read_csr(mstatus));
  show("sstatus", read_csr(sstatus));
  write_csr(sstatus, 0xfffffffful & ~0x18600ul);
  show("mstatus", read_csr(mstatus) & ~0x600ul);
  write_csr(mstatus, 0);
  write_csr(mie, ~0ul & 0xaaa);
  write_csr(mideleg, 0x222);
  show("mie", read_csr(mie) & 0xaaa);
  show("sie", read_csr(sie));
  clear_csr(sie, 0x20);
  show("mie", read_csr(mie) & 0xaaa);
  write_csr(mie, 0);
  set_csr(mip, 0x222);
  show("mip", read_csr(mip) & 0x222);
  show("sip", read_csr(sip));
  clear_csr(sip, 0x222);
  show("mip", read_csr(mip) & 0x222);
  clear_csr(mip, 0x222);
  write_csr(mideleg, 0);

  write_csr(stvec, supervisor_entry);
  write_csr(pmpaddr0, ~0ul);
  write_csr(pmpcfg0, 0x1f);
  write_csr(mcounteren, 0);
  write_csr(scounteren, 0);
  write_csr(menvcfg, 0);
  from("from M", MPP_M | 0x80);
  from("from S", MPP_S | 0x80);
  from("from U", 0x80);
  write_csr(mcounteren, 7);
  from("from S, counters, float", MPP_S | 0x2000);
  from("from U, counters", 0x6000);
  write_csr(scounteren, 7);
  write_csr(menvcfg, 1ul << 63);
  from("from S, TVM, TW, TSR", MPP_S | 7 << 20);
  enter("sret", do_sret, MPP_S | 7 << 20);
  from("from U, counters", 0x0);
  enter("sret", do_sret, 0);
  write_csr(sepc, do_ecall);
  enter("sret to U", do_sret, MPP_S | 0x20);
  show("  pc", last.pc - (uint64_t)do_ecall);
  write_csr(sepc, do_ecall);
  enter("sret to S", do_sret, MPP_S | 0x100);
  print("delegated from U\n");
  supervisor_traps(0x2);
  print("delegated from S\n");
  supervisor_traps(MPP_S | 1 << 20);
  return 0;
}
