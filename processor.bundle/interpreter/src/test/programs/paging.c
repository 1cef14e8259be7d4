// Sv39: every combination of a leaf's flags against every access and mode, A and D bits, superpages, addresses
// that are not canonical, accesses and instructions across pages, sfence.vma.
#include "program.h"

#define PAGE 4096ul
static uint64_t root[512] __attribute__((aligned(4096)));
static uint64_t middle[512] __attribute__((aligned(4096)));
static uint64_t leaves[512] __attribute__((aligned(4096)));
static uint64_t data[3 * 512] __attribute__((aligned(4096)));

// Virtual addresses under test: 0x40000000 upwards, by root[1], middle[0], leaves.
#define BASE 0x40000000ul

static uint64_t entry(const void *page, uint64_t flags) { return (uint64_t)page >> 12 << 10 | flags; }

static void fence(void) { __asm__ volatile("sfence.vma" : : : "memory"); }

static uint64_t attempt_load(uint64_t address, uint64_t status) {
  register uint64_t a0 __asm__("a0") = address;
  register uint64_t a1 __asm__("a1") = status;
  last.cause = NO_TRAP;
  __asm__ volatile("la t0, 1f\nla t1, resume\nsd t0, 0(t1)\ncsrw mstatus, %1\nld %0, 0(%0)\n1: csrw mstatus, zero"
                   : "+r"(a0) : "r"(a1) : "t0", "t1", "memory");
  return a0;
}

static void attempt_store(uint64_t address, uint64_t status, uint64_t value) {
  register uint64_t a0 __asm__("a0") = address;
  register uint64_t a1 __asm__("a1") = status;
  register uint64_t a2 __asm__("a2") = value;
  last.cause = NO_TRAP;
  __asm__ volatile("la t0, 1f\nla t1, resume\nsd t0, 0(t1)\ncsrw mstatus, %1\nsd %2, 0(%0)\n1: csrw mstatus, zero"
                   : : "r"(a0), "r"(a1), "r"(a2) : "t0", "t1", "memory");
}

static void attempt_amo(uint64_t address, uint64_t status) {
  register uint64_t a0 __asm__("a0") = address;
  register uint64_t a1 __asm__("a1") = status;
  last.cause = NO_TRAP;
  __asm__ volatile("la t0, 1f\nla t1, resume\nsd t0, 0(t1)\ncsrw mstatus, %1\namoor.d zero, zero, (%0)\n1: csrw mstatus, zero"
                   : : "r"(a0), "r"(a1) : "t0", "t1", "memory");
}

static void digit(uint64_t cause) { print_char(cause == NO_TRAP ? '-' : "0123456789abcdef"[cause & 15]); }

// For one leaf entry: the cause of loads, stores and fetches in U, S, S with SUM, and those with MXR.
static void permissions(uint64_t *slot, const void *page, uint64_t address) {
  static const uint64_t modes[] = {0, MPP_S, MPP_S | SUM, MXR, MPP_S | MXR, MPP_S | SUM | MXR};
  for (uint64_t flags = 0; flags < 256; flags++) {
    print_hex(flags);
    print_char(' ');
    for (int m = 0; m < 6; m++) {
      *slot = entry(page, flags);
      fence();
      attempt_load(address, MPRV | modes[m]);
      digit(last.cause);
      print_hex(*slot & 0xff ^ flags);
      *slot = entry(page, flags);
      fence();
      attempt_store(address, MPRV | modes[m], 0x10000000100073);
      digit(last.cause);
      print_hex(*slot & 0xff ^ flags);
      *slot = entry(page, flags);
      fence();
      last.cause = NO_TRAP;
      go(address, modes[m]);
      digit(last.cause);
      print_hex(*slot & 0xff ^ flags);
      print_char(' ');
    }
    print_char('\n');
  }
}

static void across(const char *name, uint64_t first, uint64_t second) {
  leaves[0] = entry(data, first);
  leaves[1] = entry(data + 1024, second); // the pages are not neighbours
  fence();
  show(name, 0);
  for (uint64_t at = PAGE - 8; at <= PAGE; at++) {
    data[511] = 0x1111111111111111;
    data[1024] = 0x2222222222222222;
    uint64_t got = attempt_load(BASE + at, MPRV | MPP_S);
    digit(last.cause);
    show(" load", last.cause == NO_TRAP ? got : last.value);
    attempt_store(BASE + at, MPRV | MPP_S, 0x0123456789abcdef);
    digit(last.cause);
    show(" store", last.cause == NO_TRAP ? 0 : last.value);
    show("  low", data[511]);
    show("  high", data[1024]);
  }
}

static void fetch_across(uint64_t second, uint32_t instruction) {
  leaves[0] = entry(data, 0xcf);
  leaves[1] = entry(data + 1024, second);
  ((volatile uint16_t *)data)[2047] = (uint16_t)instruction;
  ((volatile uint16_t *)(data + 1024))[0] = (uint16_t)(instruction >> 16);
  ((volatile uint32_t *)((char *)(data + 1024) + 2))[0] = 0x00100073;
  __asm__ volatile("fence.i");
  fence();
  last.cause = NO_TRAP;
  go(BASE + PAGE - 2, MPP_S);
  show("across", last.cause);
  show("  at", last.pc);
  if (last.cause != 3) {
    show("  tval", last.value);
  }
}

int main(void) {
  write_csr(pmpaddr0, ~0ul);
  write_csr(pmpcfg0, 0x1f);
  root[1] = entry(middle, 1);
  middle[0] = entry(leaves, 1);
  root[2] = entry((void *)0x80000000ul, 0xcf); // this program, for the supervisor
  write_csr(satp, 8ul << 60 | (uint64_t)root >> 12);
  data[0] = 0x10000000100073; // ebreak

  print("leaf flags\n");
  permissions(&leaves[0], data, BASE);
  print("superpage flags, aligned\n");
  data[0] = 0x10000000100073;
  uint64_t mega = (uint64_t)data >> 21 << 21;
  permissions(&middle[1], (void *)mega, BASE + (1ul << 21) + ((uint64_t)data - mega));
  print("misaligned superpages\n");
  middle[1] = entry(data, 0xcf);
  fence();
  attempt_load(BASE + (1ul << 21), MPRV | MPP_S);
  show("2M", last.cause);
  root[3] = entry((void *)(0x80000000ul + (1ul << 21)), 0xcf);
  fence();
  attempt_load(3ul << 30, MPRV | MPP_S);
  show("1G", last.cause);

  print("non-leaf entries\n");
  for (int bit = 0; bit < 64; bit++) {
    if (bit >= 10 && bit < 54) {
      continue; // the address
    }
    middle[2] = entry(leaves, 1) | 1ul << bit;
    leaves[0] = entry(data, 0xcf);
    fence();
    attempt_load(BASE + (2ul << 21), MPRV | MPP_S);
    digit(last.cause);
  }
  print("\nreserved bits of leaves\n");
  for (int bit = 54; bit < 64; bit++) {
    leaves[0] = entry(data, 0xcf) | 1ul << bit;
    fence();
    attempt_load(BASE, MPRV | MPP_S);
    digit(last.cause);
  }
  print("\n");
  print("canonical\n");
  static const uint64_t odd[] = {1ul << 39, 1ul << 38, 1ul << 63, 0x4000000000ul, 0xffffffc000000000ul, 0x8000000040000000ul};
  leaves[0] = entry(data, 0xcf);
  fence();
  for (int i = 0; i < 6; i++) {
    attempt_load(odd[i] | BASE, MPRV | MPP_S);
    show("load", last.cause);
    show("  tval", last.value);
  }

  print("amo and lr\n");
  leaves[0] = entry(data, 0xc3);
  fence();
  attempt_amo(BASE + 8, MPRV | MPP_S);
  show("amo", last.cause);
  leaves[0] = entry(data, 0x47);
  fence();
  attempt_amo(BASE + 8, MPRV | MPP_S);
  show("amo", last.cause);
  show("  entry", leaves[0] & 0xff);

  across("both", 0xc7, 0xc7);
  across("first missing", 0, 0xc7);
  across("second missing", 0xc7, 0);
  across("second read-only", 0xc7, 0xc3);

  fetch_across(0xcf, 0x00100073); // ebreak
  fetch_across(0, 0x00100073);
  fetch_across(0xc7, 0x00100073);
  fetch_across(0xcf, 0x00000013); // nop, then the ebreak behind it
  fetch_across(0xcf, 0xffffffff);
  fetch_across(0xcf, 0x0100006f); // j .+16: zeros
  fetch_across(0, 0x00000073);

  print("without a fence for other pages\n");
  leaves[0] = entry(data, 0xc7);
  leaves[1] = entry(data + 1024, 0xc7);
  fence();
  attempt_load(BASE, MPRV | MPP_S);
  attempt_load(BASE + PAGE, MPRV | MPP_S);
  leaves[0] = 0;
  __asm__ volatile("sfence.vma %0, zero" : : "r"(BASE) : "memory");
  attempt_load(BASE, MPRV | MPP_S);
  show("gone", last.cause);
  attempt_load(BASE + PAGE, MPRV | MPP_S);
  show("there", last.cause);
  middle[1] = entry((void *)mega, 0xc7);
  fence();
  attempt_load(BASE + (1ul << 21), MPRV | MPP_S);
  show("superpage", last.cause);
  attempt_load(BASE + (1ul << 21) + 64 * PAGE, MPRV | MPP_S);
  show("superpage", last.cause);
  middle[1] = 0;
  __asm__ volatile("sfence.vma %0, zero" : : "r"(BASE + (1ul << 21)) : "memory");
  attempt_load(BASE + (1ul << 21) + 64 * PAGE, MPRV | MPP_S);
  show("superpage gone", last.cause);

  print("self-modifying code\n");
  leaves[0] = entry(data, 0xcf);
  fence();
  data[0] = 0x0010007300000013; // nop, ebreak
  __asm__ volatile("fence.i");
  go(BASE, MPP_S);
  show("pc", last.pc);
  data[0] = 0x0010007300100073;
  __asm__ volatile("fence.i");
  go(BASE, MPP_S);
  show("pc", last.pc);
  return 0;
}
