// How page tables are changed: not by writing them, which the monitor forbids, but by asking it.
#include "xen.h"

enum { MOST_AT_ONCE = 512 };

static uint64_t at_once = MOST_AT_ONCE;
static bool ruled;  // the monitor has checked the tables, and they can only be read

static void ask(uint64_t request[][2], uint64_t count) {
  if (hypercall(MMU_UPDATE, (uint64_t)request, count, 0, 0) != 0) {
    print("nano: the monitor refuses 0x%x at 0x%x\n", request[0][1], request[0][0]);
    sbi_shut_down(true);
  }
}

static void update(uint64_t where, uint64_t what) {
  uint64_t request[1][2] = {{where, what}};
  ask(request, 1);
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

void set_entries(uint64_t *first, uint64_t value, uint64_t count) {
  static uint64_t request[MOST_AT_ONCE][2];
  while (count > 0) {
    uint64_t part = count < at_once ? count : at_once;
    for (uint64_t i = 0; i < part; i++) {
      request[i][0] = (uint64_t)first++;
      request[i][1] = value;
    }
    ask(request, part);
    count -= part;
  }
}

bool set_batch(uint64_t most) {
  at_once = most <= MOST_AT_ONCE ? most : at_once;
  return at_once == most;
}

void protect_tables(uint64_t start, uint64_t end) {
  map_to_itself(start, end, R);
}

void use_root(const uint64_t *root) {
  update((uint64_t)root | MMU_EXTENDED, MMU_NEW_ROOT);
  ruled = true;
}

void forget_page(uint64_t address) { (void)address; }

void forget_pages(void) {}
