// Random situations of the privileged architecture: translations, accesses to registers, exceptions, returns,
// interrupts, physical memory protection. Each case is made by draws of a generator that starts anew with the seed
// and the case's number, is carried out by instructions that are written for it, and is observed: what trapped,
// where, why, with what value, and what the registers, the tables and the data are then. Observations are summed
// up and printed once for 64 cases, or all of them when the test asks for that.
#include "program.h"

#define CHUNK 64

// Set by the test in the file, found by its first word: seed, first case, cases, draws that are zero, verbosity.
volatile uint64_t parameters[6] = {0x6d6f646e61722121ul, 1, 0, 2048, 0, 0};

static uint64_t state, draws, sum;

static uint64_t mix(uint64_t z) {
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ul;
  z = (z ^ z >> 27) * 0x94d049bb133111ebul;
  return z ^ z >> 31;
}

// The next draw: any 64 bits; those that the test has taken out are zero.
static uint64_t draw(void) {
  state += 0x9e3779b97f4a7c15ul;
  uint64_t value = mix(state);
  uint64_t number = draws++;
  return number < 64 && parameters[4] >> number & 1 ? 0 : value;
}

static uint64_t below(uint64_t bound) { return (draw() >> 16) % bound; }

// True in one case of n; never when the draw was taken out.
static int once_in(uint64_t n) { return (draw() >> 16) % n == n - 1; }

static void observe(const char *name, uint64_t value) {
  sum = mix(sum ^ value) + 1;
  if (parameters[5]) {
    print("  ");
    show(name, value);
  }
}

static void tell(const char *name, uint64_t value) {
  if (parameters[5]) {
    print("  (");
    print(name);
    print_char(' ');
    print_hex(value);
    print(")\n");
  }
}

#define PAGE 4096ul
#define DATA_PAGES 4
static uint64_t tables[5][512] __attribute__((aligned(4096)));
static uint64_t data[DATA_PAGES * 512] __attribute__((aligned(16384)));
static uint32_t code[1024] __attribute__((aligned(4096)));

static const uint64_t specials[] = {0,      1,    ~0ul, 1ul << 63, 0x7fffffff, 0x80000000, 0xffffffff, 0x5555555555555555ul,
                                    0xaaaa, 1234, 0x80000001, 0x1880};

static uint64_t any_value(void) {
  uint64_t which = below(4), value = draw();
  return which == 0 ? specials[value % 12] : which == 1 ? 1ul << (value & 63) : value;
}

// What is common to all cases, as it is when a case begins.
static void clean(void) {
  write_csr(mstatus, 0);
  write_csr(mie, 0);
  write_csr(satp, 0);
  write_csr(medeleg, 0);
  write_csr(mideleg, 0);
  clear_csr(mip, 0x222);
  write_csr(mtvec, trap_entry);
  write_csr(stvec, supervisor_entry);
  write_csr(mcounteren, 0);
  write_csr(scounteren, 0);
  write_csr(menvcfg, 1ul << 61); // A and D are set by the hart, as QEMU 7.2 always does
  write_csr(0x14d, ~0ul);
  write_csr(pmpcfg0, 0);
  write_csr(pmpaddr0, ~0ul);
  write_csr(pmpcfg0, 0x1f);
  write_csr(sscratch, 0);
  write_csr(sepc, 0);
  write_csr(scause, 0);
  write_csr(stval, 0);
  write_csr(mcause, 0);
  write_csr(mtval, 0);
  last.cause = NO_TRAP;
  supervisor.cause = NO_TRAP;
}

static void fence_all(void) { __asm__ volatile("fence.i\nsfence.vma" : : : "memory"); }

// Jumps to pc with that mstatus and a0 to a2; returns after the next trap to M. Answers a0.
__asm__(".globl go_with\ngo_with:\n"
        "addi sp, sp, -16\nsd ra, 0(sp)\nsd s0, 8(sp)\n"
        "mv s0, a2\nla t0, go_value\nsd a3, 0(t0)\n"
        "la t0, resume\nla t1, 1f\nsd t1, 0(t0)\nla t0, go_sp\nsd sp, 0(t0)\n"
        "csrw mepc, a0\ncsrw mstatus, a1\nmv a0, s0\nmv a1, a3\nmret\n"
        "1: ld sp, go_sp\nld ra, 0(sp)\nld s0, 8(sp)\naddi sp, sp, 16\nret\n"
        ".bss\n.balign 8\ngo_value: .space 8\ngo_sp: .space 8\n.text\n");
uint64_t go_with(uint64_t pc, uint64_t status, uint64_t a0, uint64_t a1);

static void observe_traps(uint64_t origin) {
  observe("cause", last.cause);
  observe("epc", last.pc - origin);
  if (last.cause != 3) {
    observe("tval", last.value);
  }
  observe("status", last.status & 0x807ff9aaul);
  observe("supervisor", supervisor.cause);
  if (supervisor.cause != NO_TRAP) {
    observe("sepc", supervisor.pc - origin);
    if (supervisor.cause != 3) {
      observe("stval", supervisor.value);
    }
    observe("sstatus", supervisor.status & 0xde122);
  }
}

// The data around a place.
static void fill(uint64_t offset, uint64_t value) {
  uint64_t word = offset / 8;
  for (uint64_t i = word < 4 ? 0 : word - 4; i < word + 8 && i < DATA_PAGES * 512; i++) {
    data[i] = value;
  }
}

static void observe_data(uint64_t offset) {
  uint64_t word = offset / 8, all = 0;
  for (uint64_t i = word < 4 ? 0 : word - 4; i < word + 8 && i < DATA_PAGES * 512; i++) {
    all = mix(all ^ data[i]) + 1;
  }
  observe("data", all);
}

// QEMU 7.2 does an atomic operation of the only hart as a load and a store, whose load may fault, and mark the page, first.
static int is_atomic(uint64_t access) { return access == 11 || access == 12 || access == 15 || access == 16; }

static void fault_of_store(uint64_t access) {
  if (is_atomic(access) && (last.cause == 13 || last.cause == 5 || last.cause == 4)) {
    last.cause += 2;
  }
}

// Loads, stores, atomics of a0 and a1; each leaves what it got in a0.
static const uint32_t accesses[] = {
    0x00050503, 0x00051503, 0x00052503, 0x00053503, 0x00054503, 0x00055503, 0x00056503, // lb lh lw ld lbu lhu lwu
    0x00b50023, 0x00b51023, 0x00b52023, 0x00b53023,                                     // sb sh sw sd
    0x00b5252f, 0x08b5352f, 0x1005252f, 0x1005352f, 0x40b5252f, 0xc0b5352f,             // amoadd.w amoswap.d lr.w lr.d amoor.w amominu.d
};
#define ACCESSES 17
static const uint8_t widths[] = {1, 2, 4, 8, 1, 2, 4, 1, 2, 4, 8, 4, 8, 4, 8, 4, 8};

// QEMU 7.2 does a misaligned load across two pages as two aligned ones, of which the first has another address.
static int is_split_load(uint64_t access, uint64_t address) {
  return access < 7 && last.cause == 5 && (address & (uint64_t)(widths[access] - 1));
}

// ---- translations ----------------------------------------------------------------------------------------------

static uint64_t pte(const void *page, uint64_t flags) { return (uint64_t)page >> 12 << 10 | flags; }

static uint64_t leaf_flags(void) {
  uint64_t flags = draw() & 0xff;
  return once_in(3) ? flags : flags | 0xc1;
}

static void translation(void) {
  int levels = 3 + (int)below(3);
  int leaf = (int)below(3); // level of the leaf
  if (leaf >= levels) {
    leaf = 0;
  }
  // The place in memory, in the second data page or at its ends, so that misaligned accesses cross.
  uint64_t offset = PAGE + below(PAGE);
  if (once_in(4)) {
    offset = 2 * PAGE - below(9);
  }
  uint64_t physical = (uint64_t)data + offset;
  uint64_t inside = (1ul << (12 + 9 * leaf)) - 1;
  uint64_t top = 12 + 9 * (uint64_t)levels;
  uint64_t virtual = (draw() & ~inside) | (physical & inside);
  virtual = (uint64_t)((int64_t)(virtual << (64 - top)) >> (64 - top));
  if (once_in(16)) {
    virtual ^= 1ul << (top + below(64 - top)); // not canonical
  }
  for (int level = levels - 1; level > leaf; level--) {
    uint64_t flags = once_in(24) ? draw() & 0xff : 1;
    // An entry that becomes a leaf must not lead to the program.
    if (flags & 0xe) {
      flags &= 0xf1;
    }
    tables[level][virtual >> (12 + 9 * level) & 511] = pte(tables[level - 1], flags | below(4) << 8);
  }
  uint64_t flags = leaf_flags();
  uint64_t base = physical & ~inside;
  if (leaf > 0 && once_in(8)) {
    base |= PAGE << below(9); // a superpage that is not aligned
  }
  uint64_t *slot = &tables[leaf][virtual >> (12 + 9 * leaf) & 511];
  *slot = pte((void *)base, flags | below(4) << 8);
  // The page behind it, when that is in the same table.
  uint64_t next_flags = leaf_flags();
  uint64_t next_page = (uint64_t)data + PAGE * (offset < 2 * PAGE ? 3 : 2);
  uint64_t *next = 0;
  if (leaf == 0 && (virtual >> 12 & 511) != 511) {
    next = slot + 1;
    *next = pte((void *)next_page, next_flags);
  }
  fill(offset, 0x0101010101010101ul);
  fill(next_page - (uint64_t)data, 0x0202020202020202ul);
  uint64_t which = below(ACCESSES + 3);
  uint64_t value = draw();
  uint64_t as = below(3); // U, S, S with SUM
  uint64_t status = (as ? MPP_S : 0) | (as == 2 ? SUM : 0) | (once_in(3) ? MXR : 0);
  write_csr(satp, (uint64_t)(levels + 5) << 60 | (uint64_t)tables[levels - 1] >> 12);
  tell("va", virtual);
  tell("levels", (uint64_t)levels);
  tell("leaf", (uint64_t)leaf);
  tell("entry", *slot);
  tell("access", which);
  tell("status", status);
  if (which >= ACCESSES) {
    // A fetch: what lies there is a nop or an ebreak, of four bytes or two.
    uint16_t *at = (uint16_t *)(physical & ~1ul);
    virtual &= ~1ul;
    static const uint32_t words[] = {0x00100073, 0x00000013, 0x90029002, 0x00010001, 0xffffffff};
    uint32_t word = words[below(5)];
    at[0] = (uint16_t)word;
    uint64_t crossing = (physical & ~1ul & (PAGE - 1)) == PAGE - 2;
    uint16_t *high = crossing && leaf == 0 ? (uint16_t *)next_page : at + 1;
    high[0] = (uint16_t)(word >> 16);
    high[1] = high[2] = high[3] = 0x9002;
    fence_all();
    go_with(virtual, status, 0, 0);
    observe("cause", last.cause);
    observe("epc", last.pc);
    if (last.cause != 3) {
      observe("tval", last.value);
    }
  } else {
    if (which >= 11 && !once_in(8)) {
      virtual &= ~(uint64_t)(widths[which] - 1); // atomics are aligned most of the time
    }
    code[0] = accesses[which];
    code[1] = 0x30001073; // csrw mstatus, zero
    code[2] = 0x00100073;
    fence_all();
    // By MPRV: the code itself is not translated.
    uint64_t got;
    {
      register uint64_t a0 __asm__("a0") = virtual;
      register uint64_t a1 __asm__("a1") = value;
      register uint64_t a2 __asm__("a2") = status | MPRV;
      register uint64_t a3 __asm__("a3") = (uint64_t)code;
      __asm__ volatile("la t0, 1f\nla t1, resume\nsd t0, 0(t1)\ncsrw mstatus, a2\njr a3\n1: csrw mstatus, zero"
                       : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3)
                       :
                       : "t0", "t1", "t2", "memory", "ra");
      got = a0;
    }
    fault_of_store(which);
    observe("cause", last.cause);
    if (last.cause != 3) {
      observe("tval", is_split_load(which, virtual) ? 0 : last.value);
      observe("epc", last.pc - (uint64_t)code);
    } else {
      observe("a0", got);
    }
  }
  write_csr(satp, 0);
  observe("entry", *slot & ~(is_atomic(which) && last.cause != 3 ? 0x40ul : 0));
  if (next) {
    observe("next", *next);
  }
  for (int level = 0; level < levels; level++) {
    tables[level][virtual >> (12 + 9 * level) & 511] = 0;
  }
  if (next) {
    *next = 0;
  }
  observe_data(offset);
  observe_data(next_page - (uint64_t)data);
}

// ---- registers -------------------------------------------------------------------------------------------------

// Numbers, and what is written: bits whose meaning this machine and QEMU share.
static const struct {
  uint32_t number;
  uint64_t mask;
} registers[] = {
    {0x001, 0xff},  {0x002, 0xff},   {0x003, 0xffff}, {0x100, 0xc6122},  {0x104, 0x222},    {0x105, ~2ul},
    {0x106, 7},     {0x140, ~0ul},   {0x141, ~1ul},   {0x142, ~0ul},     {0x143, ~0ul},     {0x144, 0x222},
    {0x300, 0x7e79aa & ~MPRV},       {0x302, 0xb1ff}, {0x303, 0x222},    {0x304, 0xaaa},
    {0x306, 7},     {0x340, ~0ul},   {0x341, ~1ul},   {0x342, ~0ul},     {0x343, ~0ul},     {0x344, 0x222},
    {0x30a, 1ul << 63},              {0xf14, ~0ul},   {0x5c0, ~0ul},     {0xf11, 0},        {0x10a, 1},
};
#define REGISTERS (sizeof registers / sizeof registers[0])

static void observe_registers(void) {
  observe("mstatus", read_csr(mstatus) & ~(1ul << 38 | 1ul << 39));
  observe("mie", read_csr(mie) & 0xaaa);
  observe("mip", read_csr(mip) & 0x222);
  observe("mideleg", read_csr(mideleg) & 0x222);
  observe("medeleg", read_csr(medeleg) & 0xb3ff);
  observe("mtvec", read_csr(mtvec));
  observe("stvec", read_csr(stvec));
  observe("mcounteren", read_csr(mcounteren) & 7);
  observe("scounteren", read_csr(scounteren) & 7);
  observe("sscratch", read_csr(sscratch));
  observe("sepc", read_csr(sepc));
  observe("scause", read_csr(scause));
  observe("stval", read_csr(stval));
  observe("sie", read_csr(sie));
  observe("sip", read_csr(sip) & 0x222);
  observe("sstatus", read_csr(sstatus));
}

static void registers_case(void) {
  // Some of the state first, then one access in some mode.
  write_csr(mideleg, draw() & 0x222);
  write_csr(mcounteren, draw() & 7);
  uint64_t which = below(REGISTERS);
  uint32_t number = registers[which].number;
  uint64_t value = any_value() & registers[which].mask;
  uint32_t how = 1 + (uint32_t)below(7);
  if (how == 4) {
    how = 2;
  }
  if (value == 0 && (how == 2 || how == 3)) {
    // QEMU 7.2 takes a write of no bits for none: it is legal where only reads are, and floating point stays clean.
    value = registers[which].mask ? registers[which].mask & -registers[which].mask : 1;
  }
  uint32_t source = how > 4 ? (uint32_t)(value & 31) : once_in(6) ? 0 : 11;
  if (how > 4 && (registers[which].mask & 31) != 31) {
    source &= (uint32_t)registers[which].mask & 31;
  }
  uint64_t mode = below(3);
  uint64_t status = (mode == 0 ? MPP_M : mode == 1 ? MPP_S : 0) | (draw() & 0x700000) | (draw() & 0x6000);
  code[0] = number << 20 | source << 15 | how << 12 | 10 << 7 | 0x73;
  code[1] = 0x00100073;
  tell("instruction", code[0]);
  tell("value", value);
  tell("status", status);
  __asm__ volatile("fence.i" : : : "memory");
  uint64_t got = go_with((uint64_t)code, status, 0x5a5a, value);
  observe("cause", last.cause);
  observe("epc", last.pc - (uint64_t)code);
  if (last.cause != 3) {
    observe("tval", last.value);
  } else if (number == 0x300) {
    observe("a0", got & ~(1ul << 38 | 1ul << 39));
  } else if (number != 0x5c0 && number != 0xf11) {
    observe("a0", got & (number == 0x302 ? 0xb3fful : number == 0x344 ? 0x222ul : number == 0x30a ? 1ul << 63 : ~0ul));
  }
  observe("status", last.status & ~(1ul << 38 | 1ul << 39));
  write_csr(mstatus, 0);
  observe_registers();
}

// ---- exceptions and returns ------------------------------------------------------------------------------------

static void exception_case(void) {
  static const uint32_t words[] = {
      0x00000073, 0x00100073, 0x30200073, 0x10200073, 0x12000073, 0x00000000, 0xffffffff, 0x0000b073 /* csrrc x0, 0, ra */,
      0x00053503, 0x00b53023, 0x00052007, 0x02053053, 0x180025f3, 0x10002573, 0x300025f3, 0xc0002573, 0xc0202573,
      0x00050067, 0x10500073,
  };
  uint64_t which = below(19);
  uint64_t mode = below(3);
  uint64_t status = (mode == 0 ? MPP_M : mode == 1 ? MPP_S : 0) | (draw() & 0x7c6122) | (draw() & 0x80);
  status &= ~(uint64_t)0x10000;
  uint64_t delegated = draw() & 0xb1ff;
  if (once_in(3)) {
    delegated = 0;
  }
  if (which == 18 && (mode == 0 || (mode == 1 && !(status & 1 << 21)))) {
    which = 5; // wfi might wait
  }
  write_csr(medeleg, delegated & ~(mode == 1 ? 0x200ul : 0)); // the handler leaves S-mode by an ecall
  write_csr(mcounteren, draw() & 7);
  write_csr(scounteren, draw() & 7);
  code[0] = words[which];
  code[1] = 0x00000073;
  code[2] = 0x00100073;
  uint64_t target = (uint64_t)(code + 8);
  code[8] = 0x00000073;
  code[9] = 0x00100073;
  write_csr(sepc, target);
  uint64_t a0 = which == 17 ? target : which == 10 ? (uint64_t)data // it counts as floating point in use here, also when it faults
                : which >= 8 && which <= 10 ? (once_in(2) ? 0x20000 : (uint64_t)data) : 0;
  if (mode == 1) {
    // An ecall from S must reach M.
    write_csr(medeleg, read_csr(medeleg) & ~0x200ul);
  }
  clear_csr(medeleg, 0x200);
  tell("instruction", code[0]);
  tell("status", status);
  tell("medeleg", read_csr(medeleg));
  fence_all();
  if (code[0] == 0x30200073 && mode == 0) {
    write_csr(mepc, target); // go_with sets it to the instruction itself: mret would never end
    code[0] = 0x00000073;
    __asm__ volatile("fence.i" : : : "memory");
  }
  go_with((uint64_t)code, status, a0, 0);
  observe_traps((uint64_t)code);
  write_csr(mstatus, 0);
}

// ---- interrupts ------------------------------------------------------------------------------------------------

static void interrupt_case(void) {
  static const uint64_t bits[] = {2, 0x20, 0x200};
  uint64_t pending = bits[below(3)];
  uint64_t mode = below(3);
  uint64_t status = (mode == 0 ? MPP_M : mode == 1 ? MPP_S : 0) | (draw() & 0x22) | (draw() & 0x80) | 0x6000;
  write_csr(mideleg, draw() & 0x222);
  uint64_t enabled = draw() & 0x222;
  write_csr(stvec, (uint64_t)supervisor_entry | below(2));
  write_csr(mtvec, (uint64_t)trap_entry | below(2));
  code[0] = 0x00000013;
  code[1] = 0x00000073;
  code[2] = 0x00100073;
  __asm__ volatile("fence.i" : : : "memory");
  write_csr(mip, pending);
  write_csr(mie, enabled);
  tell("pending", pending);
  tell("enabled", enabled);
  tell("mideleg", read_csr(mideleg));
  tell("status", status);
  go_with((uint64_t)code, status, 0, 0);
  write_csr(mie, 0);
  observe_traps((uint64_t)code);
  observe("mip", read_csr(mip) & 0x222);
  write_csr(mip, 0);
}

// ---- physical memory protection --------------------------------------------------------------------------------

// An area's configuration; *address becomes what is for its address register. Coarse ones are whole pages or more, fine ones have any size from four bytes on.
static uint64_t area(uint64_t *address, int fine) {
  uint64_t base = (uint64_t)data >> 2;
  uint64_t flags = draw() & 7;
  if ((flags & 3) == 2) {
    flags &= 5;
  }
  uint64_t kind = below(fine ? 4 : 3); // off, TOR, NAPOT, NA4
  uint64_t at = base + 1024 * below(DATA_PAGES + 1);
  if (fine) {
    at = base + 1024 + below(1024);
  }
  if (kind == 2) {
    uint64_t ones = fine ? below(11) : 9 + below(3); // from eight bytes to two pages, from one page to four
    at = (at & ~((2ul << ones) - 1)) | ((1ul << ones) - 1);
  }
  *address = at;
  return flags | (kind == 0 ? 0 : kind == 1 ? 8 : kind == 2 ? 0x18 : 0x10);
}

static void protection_case(void) {
  uint64_t which = below(ACCESSES + 3);
  // QEMU 7.2 fetches only from where the rest of the page has the same protection.
  int fine = which < ACCESSES && once_in(2);
  uint64_t config = 0;
  uint64_t addresses[3];
  for (int i = 0; i < 3; i++) {
    config |= area(&addresses[i], fine) << 8 * i;
  }
  // QEMU 7.2 refuses to return to lower modes when there is no area at all.
  int none = which >= ACCESSES && (config & 0x181818) == 0;
  uint64_t rest = once_in(2) || none ? 0x1f : 0;
  config |= rest << 24;
  uint64_t physical = (uint64_t)data + PAGE * below(DATA_PAGES) + 8 * below(512);
  if (fine) {
    // Around a border of an area.
    physical = (addresses[below(3)] << 2) + below(40) - 20;
    if (which >= 11) {
      physical &= ~7ul; // atomics
    } else if (widths[which] == 8) {
      physical &= ~3ul; // QEMU 7.2 does not see an area of four bytes in the middle of an access
    }
  }
  fill(physical - (uint64_t)data, 0x0010007300100073ul); // before: M-mode may not store to a part of an area either
  write_csr(pmpcfg0, 0);
  write_csr(pmpaddr0, addresses[0]);
  write_csr(pmpaddr1, addresses[1]);
  write_csr(pmpaddr2, addresses[2]);
  write_csr(pmpaddr3, ~0ul);
  write_csr(pmpcfg0, config);
  observe("pmpcfg0", read_csr(pmpcfg0));
  uint64_t mode = below(3);
  uint64_t status = mode == 0 ? MPP_M : mode == 1 ? MPP_S : 0;
  tell("config", config);
  tell("address0", addresses[0]);
  tell("address1", addresses[1]);
  tell("address2", addresses[2]);
  tell("physical", physical);
  tell("access", which);
  tell("status", status);
  fence_all();
  if (which >= ACCESSES) {
    go_with(physical, status, 0, 0);
  } else {
    code[0] = accesses[which];
    code[1] = 0x30001073;
    code[2] = 0x00100073;
    fence_all();
    register uint64_t a0 __asm__("a0") = physical;
    register uint64_t a1 __asm__("a1") = 0x1234;
    register uint64_t a2 __asm__("a2") = status | MPRV;
    register uint64_t a3 __asm__("a3") = (uint64_t)code;
    __asm__ volatile("la t0, 1f\nla t1, resume\nsd t0, 0(t1)\ncsrw mstatus, a2\njr a3\n1: csrw mstatus, zero"
                     : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3)
                     :
                     : "t0", "t1", "t2", "memory", "ra");
  }
  fault_of_store(which);
  observe("cause", last.cause);
  if (last.cause != 3) {
    observe("tval", is_split_load(which, physical) ? 0 : last.value);
  }
  write_csr(pmpcfg0, 0);
  observe_data(physical - (uint64_t)data);
}

int main(void) {
  uint64_t first = parameters[2];
  for (uint64_t n = first; n < first + parameters[3]; n++) {
    state = mix(parameters[1] + n * 0xd1342543de82ef95ul);
    draws = 0;
    clean();
    uint64_t kind = mix(state) % 8;
    if (parameters[5]) {
      show("case", n);
      tell("kind", kind);
    }
    switch (kind) {
      case 0:
      case 1:
      case 2: translation(); break;
      case 3:
      case 4: registers_case(); break;
      case 5: exception_case(); break;
      case 6: interrupt_case(); break;
      default: protection_case(); break;
    }
    clean();
    tell("draws", draws);
    if ((n - first) % CHUNK == CHUNK - 1) {
      print_hex(sum);
      print_char('\n');
      sum = 0;
    }
  }
  return 0;
}
