// How page tables are changed: by writing them, and by telling the hart.
// Source: RISC-V Privileged Architecture 1.12, section 4.2.1.
#include "nano.h"

#define SATP_SV39 (8ul << 60)

uint64_t *new_table(void) { return (uint64_t *)take_zeroed_frame(); }

void set_entry(uint64_t *entry, uint64_t value) { *entry = value; }

void set_entries(uint64_t *first, uint64_t value, uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    first[i] = value;
  }
}

void set_later(uint64_t *entry, uint64_t value) { *entry = value; }

// Nobody is asked, so nothing can be asked at once.
bool set_batch(uint64_t most) {
  (void)most;
  return false;
}

// Whoever may write memory may write tables, and all of it may be one.
void begin_tables(uint64_t *const tables[3]) { (void)tables; }

void end_tables(uint64_t *const tables[3]) { (void)tables; }

void protect_tables(uint64_t start, uint64_t end) {
  (void)start;
  (void)end;
}

void use_root(const uint64_t *root) { write_csr(satp, SATP_SV39 | (uint64_t)root >> 12); }

// A hart may remember that there was no entry, so it is told to look again.
void forget_page(uint64_t address) {
  __asm__ volatile("sfence.vma %0, zero" : : "r"(address) : "memory");
}

void settle(void) { __asm__ volatile("sfence.vma" : : : "memory"); }
