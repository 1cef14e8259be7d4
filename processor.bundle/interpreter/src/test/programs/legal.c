// Which instructions are legal: all of two bytes, and many random ones of four, are executed between breakpoints.
#include "program.h"

#define PAGES 5
static uint16_t code[PAGES * 2048] __attribute__((aligned(4096)));

// run_at(pc, value): jumps to pc with `value` in all registers; returns after the next trap.
__asm__("run_at:\n"
        "addi sp, sp, -112\n"
        "sd ra, 0(sp)\nsd s0, 8(sp)\nsd s1, 16(sp)\nsd s2, 24(sp)\nsd s3, 32(sp)\nsd s4, 40(sp)\nsd s5, 48(sp)\n"
        "sd s6, 56(sp)\nsd s7, 64(sp)\nsd s8, 72(sp)\nsd s9, 80(sp)\nsd s10, 88(sp)\nsd s11, 96(sp)\n"
        "sd gp, 104(sp)\n"
        "la t0, 1f\nla t1, resume\nsd t0, 0(t1)\n"
        "la t0, kept_sp\nsd sp, 0(t0)\n"
        "csrw mepc, a0\nli t0, 0x7800\ncsrw mstatus, t0\n" // M-mode, floating point on
        "mv x1, a1\nmv x2, a1\nmv x3, a1\nmv x4, a1\nmv x5, a1\nmv x6, a1\nmv x7, a1\nmv x8, a1\nmv x9, a1\n"
        "mv x10, a1\nmv x12, a1\nmv x13, a1\nmv x14, a1\nmv x15, a1\nmv x16, a1\nmv x17, a1\nmv x18, a1\n"
        "mv x19, a1\nmv x20, a1\nmv x21, a1\nmv x22, a1\nmv x23, a1\nmv x24, a1\nmv x25, a1\nmv x26, a1\n"
        "mv x27, a1\nmv x28, a1\nmv x29, a1\nmv x30, a1\nmv x31, a1\n"
        "mret\n"
        "1: ld sp, kept_sp\n"
        "ld ra, 0(sp)\nld s0, 8(sp)\nld s1, 16(sp)\nld s2, 24(sp)\nld s3, 32(sp)\nld s4, 40(sp)\nld s5, 48(sp)\n"
        "ld s6, 56(sp)\nld s7, 64(sp)\nld s8, 72(sp)\nld s9, 80(sp)\nld s10, 88(sp)\nld s11, 96(sp)\n"
        "ld gp, 104(sp)\n"
        "addi sp, sp, 112\nret\n"
        ".bss\n.balign 8\nkept_sp: .space 8\n.text\n");
void run_at(uint64_t pc, uint64_t value);

static void fill(void) {
  for (int i = 0; i < PAGES * 2048 / 4; i++) {
    ((uint64_t *)code)[i] = 0x9002900290029002; // c.ebreak
  }
}

static void check(uint32_t word, int wide, int stores) {
  uint16_t *at = code + 2 * 2048 + 1024;
  at[0] = (uint16_t)word;
  if (wide) {
    at[1] = (uint16_t)(word >> 16);
  }
  __asm__ volatile("fence.i" : : : "memory");
  last.cause = NO_TRAP;
  run_at((uint64_t)at, (uint64_t)(code + 2 * 2048 + 256));
  print_char("0123456789abcdef"[last.cause & 15]);
  if (last.cause == 2 && last.value != word) {
    show(" tval", last.value);
  }
  at[0] = 0x9002;
  at[1] = 0x9002;
  if (stores) {
    fill();
  }
}

int main(void) {
  write_csr(pmpaddr0, ~0ul);
  write_csr(pmpcfg0, 0x1f);
  fill();
  for (uint32_t h = 0; h < 0x10000; h++) {
    int to_itself = (h & 0xfffd) == 0xa001 || (h & 0xdc7f) == 0xc001;
    if ((h & 3) != 3 && !to_itself) {
      check(h, 0, (h >> 13) >= 5);
    }
    if ((h & 0xff) == 0xff) {
      print_char('\n');
    }
  }
  // Everything but jal, system and what reaches far: loads, floating point, fences, integer, atomics, branches.
  static const uint8_t opcodes[] = {0x03, 0x07, 0x0f, 0x13, 0x17, 0x1b, 0x23, 0x27, 0x2f, 0x33, 0x37, 0x3b, 0x43, 0x47,
                                    0x4b, 0x4f, 0x53, 0x53, 0x53, 0x53, 0x57, 0x63, 0x67, 0x0b, 0x2b, 0x5b, 0x6b, 0x77};
  uint64_t state = 0x123456789abcdef;
  for (int i = 0; i < 40000; i++) {
    state = state * 6364136223846793005ul + 1442695040888963407ul;
    uint32_t word = (uint32_t)(state >> 32);
    // Often small fields, where what is reserved differs by single bits.
    if (word >> 7 & 1) {
      word &= 0xfe0fffff | (word >> 3 & 3) << 20;
    }
    if (word >> 8 & 1) {
      word &= 0x07ffffff | (word >> 5 & 8) << 25;
    }
    uint8_t opcode = opcodes[(state >> 20) % sizeof opcodes];
    word = (word & ~0x7fu) | opcode;
    // Atomics of reserved widths and custom encodings are fine; cache management is not there in every QEMU.
    if (opcode == 0x0f && (word >> 12 & 7) == 2) {
      continue;
    }
    if (opcode == 0x33 && word >> 25 == 7) {
      continue; // conditional zero is not there in every QEMU
    }
    if (opcode == 0x2f && (word >> 15 & 31) == 0) {
      continue; // an access fault at 0, of which QEMU has an opinion of its own
    }
    if (opcode == 0x63 && (word & 0xfe000f80) == 0) {
      continue; // a branch to itself
    }
    check(word, 1, opcode == 0x23 || opcode == 0x27 || opcode == 0x2f);
    if ((i & 127) == 127) {
      print_char('\n');
    }
  }
  return 0;
}
