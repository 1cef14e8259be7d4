// Physical memory protection and page tables at their corners (RISC-V Priv. §3.7, §4.3 to 4.5, Svadu, Svnapot, Svpbmt).
// Each expectation is the specification's; what is not met is printed.
#include "expect.h"

#define PAGE 4096ul
#define ADUE (1ul << 61)
#define PBMTE (1ul << 62)
#define FETCH_FAULT 1
#define LOAD_FAULT 5
#define STORE_FAULT 7
#define FETCH_PAGE_FAULT 12
#define LOAD_PAGE_FAULT 13
#define STORE_PAGE_FAULT 15
#define LOCK 0x80ul
#define R 1
#define W 2
#define X 4
#define RWX 7
#define TOR 8
#define NA4 0x10
#define NAPOT 0x18

static uint64_t tables[5][512] __attribute__((aligned(4096)));
static uint64_t data[32 * 512] __attribute__((aligned(65536)));

static void fence(void) { __asm__ volatile("fence.i\nsfence.vma" : : : "memory"); }

// Instructions with a0 as the address, run with that mstatus; the cause of the trap.
#define DOES(text, address, status)                                                                                  \
  ({                                                                                                                 \
    (void)TRY("csrw mstatus, a1\n" text "\ncsrw mstatus, zero", address, (status) | MPRV);                           \
    write_csr(mstatus, 0);                                                                                           \
    last.cause;                                                                                                      \
  })
#define LOADS(address, status) DOES("ld a0, 0(a0)", address, status)
#define STORES(address, status) DOES("sd zero, 0(a0)", address, status)

static uint64_t fetches(uint64_t address, uint64_t status) {
  last.cause = NO_TRAP;
  go(address, status);
  write_csr(mstatus, 0);
  return last.cause;
}

// ---- physical memory protection ----

#define PIECE(address) ((uint64_t)(address) >> 2)

static void no_areas(void) {
  write_csr(pmpcfg0, 0);
  write_csr(pmpcfg2, 0);
}

static void areas(void) {
  uint64_t at = (uint64_t)data;
  no_areas();
  write_csr(pmpaddr1, ~0ul);
  expect("54 bits of an address", (1ul << 54) - 1, read_csr(pmpaddr1));
  write_csr(pmpcfg0, ~0ul & ~0x8080808080808080ul);
  expect("bits of a configuration", 0x1f1f1f1f1f1f1f1f, read_csr(pmpcfg0));
  write_csr(pmpcfg0, 0x1f1e1a181f1a1f18);
  expect("writable but not readable is none", 0x1f1f1f181f1f1f18, read_csr(pmpcfg0));
  no_areas();
  expect("no area: M may", NO_TRAP, LOADS(at, MPP_M));
  expect("S may not", LOAD_FAULT, LOADS(at, MPP_S));
  expect("nor U", STORE_FAULT, STORES(at, 0));
  expect("nor fetch", FETCH_FAULT, fetches(at, MPP_S));
  // The first area that has one of the bytes must have all of them, whatever the others would allow.
  write_csr(pmpaddr0, PIECE(at + 8) | 0);
  write_csr(pmpaddr1, ~0ul);
  write_csr(pmpcfg0, (NAPOT | RWX) << 8 | NA4 | R);
  expect("beside", NO_TRAP, STORES(at, 0));
  expect("a part of it in a smaller area", LOAD_FAULT, LOADS(at + 8, 0));
  expect("whole", NO_TRAP, DOES("lw a0, 0(a0)", at + 8, 0));
  expect("not allowed there", STORE_FAULT, DOES("sw a0, 0(a0)", at + 8, 0));
  expect("its neighbour", NO_TRAP, DOES("sw a0, 0(a0)", at + 12, 0));
  expect("misaligned, half in it", LOAD_FAULT, DOES("lw a0, 0(a0)", at + 6, 0));
  expect("with its own address", at + 6, last.value);
  expect("M does not care what is granted", NO_TRAP, DOES("sw zero, 0(a0)", at + 8, MPP_M));
  expect("but all of it has to be inside", STORE_FAULT, STORES(at + 8, MPP_M));
  // An area that grants nothing takes from what is behind it.
  write_csr(pmpcfg0, (NAPOT | RWX) << 8 | NA4);
  expect("nothing granted", LOAD_FAULT, DOES("lw a0, 0(a0)", at + 8, MPP_S));
  // Upper bounds: from the address below, up to and without its own; empty when they are the wrong way round.
  write_csr(pmpaddr0, PIECE(at + 4));
  write_csr(pmpaddr1, PIECE(at + 16));
  write_csr(pmpcfg0, (TOR | R) << 8);
  expect("below the bounds", LOAD_FAULT, DOES("lw a0, 0(a0)", at, 0));
  expect("at the lower one", NO_TRAP, DOES("lw a0, 0(a0)", at + 4, 0));
  expect("under the upper one", NO_TRAP, LOADS(at + 8, 0));
  expect("at the upper one", LOAD_FAULT, DOES("lw a0, 0(a0)", at + 16, 0));
  write_csr(pmpaddr0, PIECE(at + 16));
  expect("empty", LOAD_FAULT, DOES("lw a0, 0(a0)", at + 12, 0));
  write_csr(pmpaddr0, PIECE(at + 32));
  expect("the wrong way round", LOAD_FAULT, DOES("lw a0, 0(a0)", at + 20, 0));
  write_csr(pmpcfg0, TOR | R);
  expect("the first one begins at zero", NO_TRAP, LOADS(at, 0));
  // A fetch of which the second half is forbidden: the trap is the instruction's, the address that half's.
  ((volatile uint32_t *)data)[0] = 0x00130001; // c.nop, and the first half of a nop
  ((volatile uint32_t *)data)[1] = 0x00100000;
  write_csr(pmpaddr0, PIECE(at));
  write_csr(pmpaddr1, PIECE(at + 4));
  write_csr(pmpcfg0, (TOR | RWX) << 8);
  fence();
  expect("a second half", FETCH_FAULT, fetches(at, MPP_S));
  expect("of the instruction", at + 2, last.pc);
  expect("is where it failed", at + 4, last.value);
  expect("an atomic", STORE_FAULT, DOES("amoadd.w a0, a0, (a0)", at + 4, 0));
  expect("a reservation", LOAD_FAULT, DOES("lr.w a0, (a0)", at + 4, 0));
  expect("a block", STORE_FAULT, DOES(".word 0x0045200f", at + 64, 0));
  expect("MPRV asks for MPP", NO_TRAP, DOES("lw a0, 0(a0)", at + 4, MPP_M));
}

// Locked entries stay until reset, so these come last, at addresses of their own.
static void locks(void) {
  uint64_t at = (uint64_t)(data + 8 * 512);
  no_areas();
  write_csr(pmpaddr9, PIECE(at));
  write_csr(pmpaddr10, PIECE(at + 8));
  write_csr(pmpaddr12, PIECE(at + 64));
  write_csr(pmpcfg2, (LOCK | TOR | R) << 16 | (LOCK | NA4) << 24);
  expect("locked", (LOCK | TOR | R) << 16 | (LOCK | NA4) << 24, read_csr(pmpcfg2));
  write_csr(pmpcfg2, 0);
  expect("for ever", (LOCK | TOR | R) << 16 | (LOCK | NA4) << 24, read_csr(pmpcfg2));
  write_csr(pmpaddr10, 0);
  expect("its address, too", PIECE(at + 8), read_csr(pmpaddr10));
  write_csr(pmpaddr9, 0);
  expect("and the one below", PIECE(at), read_csr(pmpaddr9));
  write_csr(pmpaddr12, 0);
  expect("not the one above", 0, read_csr(pmpaddr12));
  expect("M may read", NO_TRAP, LOADS(at, MPP_M));
  expect("and not write", STORE_FAULT, STORES(at, MPP_M));
  expect("nor fetch", FETCH_FAULT, fetches(at, MPP_M));
  expect("beside it may", NO_TRAP, STORES(at + 8, MPP_M));
  write_csr(pmpaddr3, ~0ul);
  write_csr(pmpcfg0, (uint64_t)(NAPOT | RWX) << 24);
  expect("an entry before it decides", NO_TRAP, STORES(at, MPP_M));
  write_csr(pmpcfg0, 0);
}

// ---- page tables ----

static uint64_t pte(const void *page, uint64_t flags) { return (uint64_t)page >> 12 << 10 | flags; }

// Maps `virtual` by a leaf at that level of tables; the entry's place.
static uint64_t *map(uint64_t virtual, int levels, int leaf, uint64_t entry) {
  for (int level = 0; level < 5; level++) {
    for (int i = 0; i < 512; i++) {
      tables[level][i] = 0;
    }
  }
  for (int level = levels - 1; level > leaf; level--) {
    tables[level][virtual >> (12 + 9 * level) & 511] = pte(tables[level - 1], 1);
  }
  uint64_t *slot = &tables[leaf][virtual >> (12 + 9 * leaf) & 511];
  *slot = entry;
  write_csr(satp, (uint64_t)(levels + 5) << 60 | (uint64_t)tables[levels - 1] >> 12);
  fence();
  return slot;
}

static void accessed_and_dirty(void) {
  uint64_t virtual = 0x12345000;
  data[0] = 0x10000000100073;
  for (int levels = 3; levels <= 5; levels++) {
    write_csr(menvcfg, 0);
    uint64_t *slot = map(virtual, levels, 0, pte(data, 0x0f));
    expect("load, A clear", LOAD_PAGE_FAULT, LOADS(virtual, MPP_S));
    expect("store, A clear", STORE_PAGE_FAULT, STORES(virtual, MPP_S));
    expect("fetch, A clear", FETCH_PAGE_FAULT, fetches(virtual, MPP_S));
    expect("nothing was set", 0x0f, *slot & 0xff);
    slot = map(virtual, levels, 0, pte(data, 0x4f));
    expect("load, D clear", NO_TRAP, LOADS(virtual, MPP_S));
    expect("store, D clear", STORE_PAGE_FAULT, STORES(virtual, MPP_S));
    expect("atomic, D clear", STORE_PAGE_FAULT, DOES("amoor.d a0, zero, (a0)", virtual, MPP_S));
    expect("reservation, D clear", NO_TRAP, DOES("lr.d a0, (a0)", virtual, MPP_S));
    expect("block, D clear", STORE_PAGE_FAULT, DOES(".word 0x0045200f", virtual, MPP_S | 0));
    expect("nothing was set", 0x4f, *slot & 0xff);
    slot = map(virtual, levels, 0, pte(data, 0xcf));
    expect("both are set", NO_TRAP, STORES(virtual, MPP_S));
    data[0] = 0x10000000100073;
    write_csr(menvcfg, ADUE);
    slot = map(virtual, levels, 0, pte(data, 0x0f));
    expect("load, by hardware", NO_TRAP, LOADS(virtual, MPP_S));
    expect("A", 0x4f, *slot & 0xff);
    expect("store, by hardware", NO_TRAP, STORES(virtual, MPP_S));
    expect("D", 0xcf, *slot & 0xff);
    data[0] = 0x10000000100073;
    slot = map(virtual, levels, 0, pte(data, 0x0f));
    expect("fetch, by hardware", 3, fetches(virtual, MPP_S));
    expect("A", 0x4f, *slot & 0xff);
    slot = map(virtual, levels, 0, pte(data, 0x0b));
    expect("refused", STORE_PAGE_FAULT, STORES(virtual + PAGE, MPP_S));
    expect("refused, user's page", STORE_PAGE_FAULT, STORES(virtual, 0));
    expect("sets nothing", 0x0b, *slot & 0xff);
  }
}

static void canonical(void) {
  write_csr(menvcfg, ADUE);
  for (int levels = 3; levels <= 5; levels++) {
    int top = 12 + 9 * levels;
    uint64_t low = (1ul << (top - 1)) - PAGE, high = ~0ul << (top - 1);
    map(low, levels, 0, pte(data, 0xcf));
    expect("the last page of the lower half", NO_TRAP, LOADS(low, MPP_S));
    expect("one bit above it", LOAD_PAGE_FAULT, LOADS(low | 1ul << top, MPP_S));
    expect("the highest bit", STORE_PAGE_FAULT, STORES(low | 1ul << 63, MPP_S));
    expect("a fetch", FETCH_PAGE_FAULT, fetches(low | 1ul << 63, MPP_S));
    expect("its address", low | 1ul << 63, last.value);
    expect("across its end", LOAD_PAGE_FAULT, LOADS(low + PAGE - 4, MPP_S));
    expect("where it ends", low + PAGE, last.value);
    map(high, levels, 0, pte(data, 0xcf));
    expect("the first of the upper half", NO_TRAP, LOADS(high, MPP_S));
    expect("not extended", LOAD_PAGE_FAULT, LOADS(high & (1ul << top) - 1, MPP_S));
  }
}

static void entries(void) {
  write_csr(menvcfg, ADUE);
  for (int levels = 3; levels <= 5; levels++) {
    for (int leaf = 1; leaf < levels; leaf++) {
      uint64_t virtual = 1ul << (12 + 9 * (levels - 1));
      uint64_t size = 1ul << (12 + 9 * leaf);
      uint64_t base = leaf == 1 ? (uint64_t)data & -size : 0;
      map(virtual, levels, leaf, pte((void *)base, 0xcf));
      if (leaf == 1) {
        expect("a superpage", NO_TRAP, LOADS(virtual + ((uint64_t)data & size - 1), MPP_S));
      }
      for (uint64_t bit = PAGE; bit < size; bit <<= 1) {
        map(virtual, levels, leaf, pte((void *)(base | bit), 0xcf));
        expect("a misaligned one", LOAD_PAGE_FAULT, LOADS(virtual + ((uint64_t)data & size - 1), MPP_S));
      }
    }
    uint64_t virtual = 0x40000000;
    for (int bit = 54; bit < 61; bit++) {
      map(virtual, levels, 0, pte(data, 0xcf) | 1ul << bit);
      expect("a reserved bit", LOAD_PAGE_FAULT, LOADS(virtual, MPP_S));
    }
    for (uint64_t type = 0; type < 4; type++) {
      write_csr(menvcfg, ADUE | PBMTE);
      map(virtual, levels, 0, pte(data, 0xcf) | type << 61);
      expect("memory types", type < 3 ? NO_TRAP : LOAD_PAGE_FAULT, LOADS(virtual, MPP_S));
      write_csr(menvcfg, ADUE);
      fence();
      expect("no memory types", type ? LOAD_PAGE_FAULT : NO_TRAP, LOADS(virtual, MPP_S));
    }
    // 64 KiB in a row are the only size; what follows the eight in the page number is the address's.
    for (uint64_t low = 0; low < 16; low++) {
      uint64_t *slot = map(virtual + 5 * PAGE, levels, 0, pte(data, 0xcf) | 1ul << 63 | low << 10);
      for (int i = 0; i < 16; i++) {
        slot[i - 5] = *slot;
      }
      data[5 * 512] = 0x5555;
      uint64_t got = TRY("csrw mstatus, a1\nld a0, 0(a0)\ncsrw mstatus, zero", virtual + 5 * PAGE, MPP_S | MPRV);
      write_csr(mstatus, 0);
      expect("contiguous pages", low == 8 ? NO_TRAP : LOAD_PAGE_FAULT, last.cause);
      expect("are where they should be", low == 8 ? 0x5555 : virtual + 5 * PAGE, got);
    }
    uint64_t *slot = map(virtual, levels, 0, pte(data, 1));
    expect("a pointer at the last level", LOAD_PAGE_FAULT, LOADS(virtual, MPP_S));
    *slot = pte(data, 0x05 | 0xc0);
    fence();
    expect("writable and not readable", STORE_PAGE_FAULT, STORES(virtual, MPP_S));
    // Whose page: SUM opens data of the user to the supervisor, never code; MXR makes code readable.
    map(virtual, levels, 0, pte(data, 0xdf));
    data[0] = 0x10000000100073;
    expect("the user's, SUM", NO_TRAP, LOADS(virtual, MPP_S | SUM));
    expect("the user's", LOAD_PAGE_FAULT, LOADS(virtual, MPP_S));
    expect("never code", FETCH_PAGE_FAULT, fetches(virtual, MPP_S | SUM));
    expect("but for the user", 3, fetches(virtual, 0));
    map(virtual, levels, 0, pte(data, 0xc9));
    expect("code", LOAD_PAGE_FAULT, LOADS(virtual, MPP_S));
    expect("code, MXR", NO_TRAP, LOADS(virtual, MPP_S | MXR));
    expect("code, MXR, is not written", STORE_PAGE_FAULT, STORES(virtual, MPP_S | MXR));
    map(virtual, levels, 0, pte((void *)0x10000000, 0xc7));
    expect("an atomic on a device", STORE_FAULT, DOES("amoadd.w a0, a0, (a0)", virtual, MPP_S));
    expect("a reservation on a device", LOAD_FAULT, DOES("lr.w a0, (a0)", virtual, MPP_S));
  }
  write_csr(satp, 0);
  expect("a misaligned atomic", 6, DOES("amoadd.w a0, a0, (a0)", (uint64_t)data + 2, MPP_M));
  expect("a misaligned reservation", 4, DOES("lr.d a0, (a0)", (uint64_t)data + 4, MPP_M));
}

// Tables under protection: a walk is a supervisor's access, and fails as the access that it is for.
static void protected_tables(void) {
  uint64_t virtual = 0x12345000;
  write_csr(menvcfg, ADUE);
  uint64_t *slot = map(virtual, 3, 0, pte(data, 0x0f));
  for (int level = 0; level < 3; level++) {
    write_csr(pmpcfg0, 0);
    write_csr(pmpaddr0, PIECE(tables[level]) | 511);
    write_csr(pmpaddr1, ~0ul);
    write_csr(pmpcfg0, (NAPOT | RWX) << 8 | NAPOT | X);
    fence();
    expect("a table not to be read", LOAD_FAULT, LOADS(virtual, MPP_S));
    expect("for a store", STORE_FAULT, STORES(virtual, MPP_S));
    expect("for a fetch", FETCH_FAULT, fetches(virtual, MPP_S));
    expect("with the address of the access", virtual, last.value);
  }
  write_csr(pmpaddr0, PIECE(tables[0]) | 511);
  write_csr(pmpcfg0, (NAPOT | RWX) << 8 | NAPOT | R);
  fence();
  expect("one not to be written", LOAD_FAULT, LOADS(virtual, MPP_S));
  expect("stays as it is", 0x0f, *slot & 0xff);
  *slot |= 0xc0;
  fence();
  expect("which is enough for the others", NO_TRAP, STORES(virtual, MPP_S));
  write_csr(pmpcfg0, (NAPOT | RWX) << 8);
}

// A fence for an address, for an address space, for both: what was changed is seen.
static void fences(void) {
  uint64_t virtual = 0x40000000;
  for (int levels = 3; levels <= 5; levels++) {
    for (int leaf = 0; leaf < 2; leaf++) {
      for (int how = 0; how < 4; how++) {
        uint64_t *slot = map(virtual, levels, leaf, pte((void *)((uint64_t)data & -(1ul << (12 + 9 * leaf))), 0xcf));
        uint64_t at = virtual + (leaf ? 0x7000 : 0);
        expect("there", NO_TRAP, LOADS(at, MPP_S));
        *slot = 0;
        register uint64_t asid __asm__("a5") = 0;
        register uint64_t address __asm__("a4") = virtual;
        switch (how) {
          case 0: __asm__ volatile("sfence.vma" : : : "memory"); break;
          case 1: __asm__ volatile("sfence.vma %0, zero" : : "r"(address) : "memory"); break;
          case 2: __asm__ volatile("sfence.vma zero, %0" : : "r"(asid) : "memory"); break;
          default: __asm__ volatile("sfence.vma %0, %1" : : "r"(address), "r"(asid) : "memory"); break;
        }
        expect("gone", LOAD_PAGE_FAULT, LOADS(at, MPP_S));
        expect("for fetches, too", FETCH_PAGE_FAULT, fetches(at, MPP_S));
      }
    }
  }
}

int main(void) {
  areas();
  no_areas();
  write_csr(pmpaddr1, ~0ul);
  write_csr(pmpcfg0, (NAPOT | RWX) << 8);
  accessed_and_dirty();
  canonical();
  entries();
  protected_tables();
  fences();
  write_csr(satp, 0);
  locks();
  show_expectations();
  return 0;
}
