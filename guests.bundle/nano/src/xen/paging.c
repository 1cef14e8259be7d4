// How page tables are changed: not by writing them, which the monitor forbids, but by asking it.
#include "xen.h"

static bool ruled;  // the monitor has checked the tables, and they can only be read

static void update(uint64_t where, uint64_t what) {
  uint64_t request[2] = {where, what};
  if (hypercall(MMU_UPDATE, (uint64_t)request, 1, 0, 0) != 0) {
    print("nano: the monitor refuses 0x%x at 0x%x\n", what, where);
    sbi_shut_down(true);
  }
}

static void make_read_only(uint64_t frame) {
  hypercall(UPDATE_MAPPING, frame, frame >> 12 << 10 | R | V | A | D, 0, 0);
}

uint64_t *new_table(void) {
  uint64_t frame = take_zeroed_frame();
  if (ruled) {
    make_read_only(frame);
  }
  return (uint64_t *)frame;
}

uint64_t *new_root(const uint64_t *from) {
  uint64_t *root = (uint64_t *)take_zeroed_frame();
  for (int i = 0; i < 512; i++) {
    root[i] = from[i];
  }
  make_read_only((uint64_t)root);
  update((uint64_t)root | MMU_EXTENDED, MMU_PIN_ROOT);
  return root;
}

// Memory is mapped to itself, so an entry's address is the physical one.
void set_entry(uint64_t *entry, uint64_t value) {
  if (ruled) {
    update((uint64_t)entry, value);
  } else {
    *entry = value;
  }
}

void protect_tables(uint64_t start, uint64_t end) {
  map_to_itself(start, end, R);
}

void use_root(const uint64_t *root) {
  update((uint64_t)root | MMU_EXTENDED, MMU_NEW_ROOT);
  ruled = true;
}

void forget_page(uint64_t address) { (void)address; }
