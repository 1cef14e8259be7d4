// What the specification says where QEMU 7.2 does otherwise; the test has the expected text.
#include "program.h"

__asm__(".balign 8\nspin: addi a0, a0, 1\nj spin\n");
__asm__(".balign 8\ndo_sret: sret\ndo_ebreak: ebreak\n");
extern char spin[], do_sret[], do_ebreak[];
static uint64_t root[512] __attribute__((aligned(4096)));

int main(void) {
  write_csr(pmpaddr0, ~0ul);
  write_csr(pmpcfg0, 0x1f);
  // The lowest bit of an exception pc is always zero (Priv. 3.1.14).
  write_csr(mepc, 0x80000003);
  show("mepc", read_csr(mepc));
  write_csr(sepc, 0x80000007);
  show("sepc", read_csr(sepc));
  // MPP holds only modes that exist (3.1.6.1).
  write_csr(mstatus, MPP_S);
  write_csr(mstatus, 2ul << 11);
  show("mpp", read_csr(mstatus) & MPP_M);
  // What an atomic operation cannot reach is a store fault (Unpriv. "AMO" and Priv. table 3.6).
  REPORT("amoadd.d a0, a0, (a0)", 0x20000, 0);
  REPORT("amoadd.d a0, a0, (a0)", 0x80000004, 0);
  REPORT("lr.d a0, (a0)", 0x80000004, 0);
  REPORT("sc.w a0, a0, (a0)", 0x80000002, 0);
  // An entry or a page where no memory is: an access fault of the kind of the access (4.3.2).
  root[1] = 0x20000 >> 12 << 10 | 1;
  root[2] = 0x80000000ul >> 12 << 10 | 0xcf;
  root[3] = 0xcf; // a gigapage at 0
  write_csr(satp, 8ul << 60 | (uint64_t)root >> 12);
  __asm__ volatile("sfence.vma" : : : "memory");
  for (uint64_t address = 0x40020000ul; address < 4ul << 30; address += 2ul << 30) {
    REPORT("csrs mstatus, a1\nld a0, 0(a0)", address, MPRV | MPP_S);
    clear_csr(mstatus, MPRV);
    REPORT("csrs mstatus, a1\nsd a0, 0(a0)", address, MPRV | MPP_S);
    clear_csr(mstatus, MPRV);
    go(address, MPP_S);
    show("fetch", last.cause);
  }
  // Returning to a mode below M turns MPRV off, sret too (3.1.6.3).
  write_csr(sepc, do_ebreak);
  write_csr(satp, 0);
  go((uint64_t)do_sret, MPP_M | MPRV | 0x120);
  show("cause", last.cause);
  show("mprv", last.status & MPRV);
  // Supervisor external before software before timer (3.1.9).
  *(volatile uint64_t *)0x2004000ul = ~0ul;
  write_csr(menvcfg, 1ul << 63);
  write_csr(stvec, supervisor_entry);
  write_csr(mideleg, 0x222);
  write_csr(mie, 0x222);
  write_csr(0x14d, 0);
  set_csr(mip, 0x202);
  for (int i = 0; i < 3; i++) {
    go((uint64_t)spin, 0);
    show("interrupt", supervisor.cause & 15);
    clear_csr(mip, supervisor.cause == (1ul << 63 | 9) ? 0x200 : 0x2);
  }
  write_csr(mie, 0);
  // Writing a counter takes effect before the next instruction reads it; the write itself is not counted.
  __asm__ volatile("csrw minstret, %0" : : "r"(1000ul));
  show("minstret", read_csr(minstret));
  write_csr(mcountinhibit, 4);
  uint64_t first = read_csr(minstret);
  show("still", read_csr(minstret) - first);
  write_csr(mcountinhibit, 0);
  uint64_t before = read_csr(minstret);
  __asm__ volatile("nop\nnop\nnop");
  show("counted", read_csr(minstret) - before);
  return 0;
}
