// Interrupts: the machine timer, software interrupts, stimecmp, delegation, priority, vectors, and wfi.
#include "program.h"

#define CLINT 0x2000000ul
static volatile uint32_t *const msip = (volatile uint32_t *)CLINT;
static volatile uint64_t *const mtimecmp = (volatile uint64_t *)(CLINT + 0x4000);
static volatile uint64_t *const mtime = (volatile uint64_t *)(CLINT + 0xbff8);

__asm__(".balign 8\nspin: addi a0, a0, 1\nj spin\n.balign 8\nsleep: wfi\nj sleep\n.balign 8\nsleep_once: wfi\nebreak\n");
extern char spin[], sleep[], sleep_once[];

static void report(const char *name, uint64_t code) {
  print(name);
  show("", last.cause);
  if (code) {
    show("  inside", last.pc - code < 16);
  }
  show("  status", last.status & 0x1aaa);
}

static void run(const char *name, char *code, uint64_t status) {
  last.cause = NO_TRAP;
  supervisor.cause = NO_TRAP;
  go((uint64_t)code, status);
  report(name, supervisor.cause == NO_TRAP ? (uint64_t)code : 0);
  if (supervisor.cause != NO_TRAP) {
    show("  supervisor", supervisor.cause);
    show("  inside", supervisor.pc - (uint64_t)code < 16);
    show("  sstatus", supervisor.status & 0x122);
  }
}

int main(void) {
  write_csr(pmpaddr0, ~0ul);
  write_csr(pmpcfg0, 0x1f);
  write_csr(stvec, supervisor_entry);
  write_csr(menvcfg, 1ul << 63);
  write_csr(mcounteren, 7);
  write_csr(0x14d, ~0ul);
  *mtimecmp = ~0ul;

  print("machine timer\n");
  *mtimecmp = *mtime + 20000;
  write_csr(mie, 0x80);
  run("M", spin, MPP_M | 0x80);
  *mtimecmp = *mtime + 20000;
  run("U", spin, 0);
  *mtimecmp = *mtime + 20000;
  run("S, wfi", sleep, MPP_S);
  *mtimecmp = *mtime + 20000;
  run("M, wfi, interrupts off", sleep_once, MPP_M);
  show("mip", read_csr(mip) & 0xaaa);
  *mtimecmp = ~0ul;
  while (read_csr(mip) & 0x80) {
  }
  show("mip", read_csr(mip) & 0xaaa);

  print("machine software\n");
  write_csr(mie, 0x8);
  *msip = 1;
  run("U", spin, 0);
  *msip = 0;
  while (read_csr(mip) & 8) {
  }

  print("stimecmp\n");
  write_csr(mie, 0x20);
  write_csr(0x14d, read_csr(time) + 20000);
  run("S, not delegated", spin, MPP_S);
  write_csr(mideleg, 0x222);
  write_csr(0x14d, read_csr(time) + 20000);
  run("U, delegated", spin, 0);
  write_csr(0x14d, read_csr(time) + 20000);
  run("S, delegated", spin, MPP_S | 2);
  write_csr(0x14d, read_csr(time) + 20000);
  run("S, interrupts off, wfi", sleep_once, MPP_S);
  show("mip", read_csr(mip) & 0xaaa);
  show("sip", read_csr(sip));
  write_csr(mip, 0);
  show("mip", read_csr(mip) & 0xaaa);
  write_csr(0x14d, ~0ul);
  show("mip", read_csr(mip) & 0xaaa);

  print("priority\n");
  write_csr(mie, 0xaaa);
  set_csr(mip, 0x2);
  write_csr(0x14d, 0);
  run("software first", spin, 0);
  clear_csr(mip, 0x2);
  run("then timer", spin, 0);
  write_csr(0x14d, ~0ul);
  set_csr(mip, 0x2);
  *msip = 1;
  while (!(read_csr(mip) & 8)) {
  }
  run("machine before supervisor", spin, 0);
  *msip = 0;
  while (read_csr(mip) & 8) {
  }
  write_csr(mideleg, 0);
  set_csr(mip, 0x2);
  run("none delegated", spin, MPP_S);
  clear_csr(mip, 0x2);

  print("vectored\n");
  write_csr(mideleg, 2);
  write_csr(stvec, (uint64_t)supervisor_entry | 1);
  set_csr(mip, 2);
  run("supervisor software", spin, 0);
  clear_csr(mip, 2);
  write_csr(mtvec, (uint64_t)trap_entry | 1);
  *msip = 1;
  run("machine software", spin, 0);
  *msip = 0;
  return 0;
}
