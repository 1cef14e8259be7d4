// How page tables are changed: not by writing them, which the monitor forbids, but by asking it.
#include "xen.h"

enum { MOST_AT_ONCE = 512 };

static uint64_t at_once = MOST_AT_ONCE;
static bool ruled;  // the monitor has checked the tables, and they can only be read

// What is to be asked for: address and value, as the monitor wants them.
static uint64_t queue[MOST_AT_ONCE][2];
static uint64_t queued;

void settle(void) {
  if (queued > 0 && hypercall(MMU_UPDATE, (uint64_t)queue, queued, 0, 0) != 0) {
    print("nano: the monitor refuses 0x%x at 0x%x\n", queue[0][1], queue[0][0]);
    sbi_shut_down(true);
  }
  queued = 0;
}

static void ask(uint64_t where, uint64_t what) {
  queue[queued][0] = where;
  queue[queued][1] = what;
  if (++queued == at_once) {
    settle();
  }
}

// Memory is mapped to itself, so an entry's address is the physical one.
void set_later(uint64_t *entry, uint64_t value) {
  if (ruled) {
    ask((uint64_t)entry, value);
  } else {
    *entry = value;
  }
}

void set_entry(uint64_t *entry, uint64_t value) {
  set_later(entry, value);
  settle();
}

void set_entries(uint64_t *first, uint64_t value, uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    set_later(&first[i], value);
  }
  settle();
}

// A page that can be written is no table, and a table is no page that can be written.
static void allow(const uint64_t *table, uint64_t rights) {
  set_later(entry_for(kernel_root(), (uint64_t)table, 0),
            (uint64_t)table >> 12 << 10 | rights | V | A | D);
}

uint64_t *new_table(void) {
  uint64_t *table = (uint64_t *)take_zeroed_frame();
  if (ruled) {
    allow(table, R);
    settle();
  }
  return table;
}

void begin_tables(uint64_t *const tables[3]) {
  for (int i = 0; i < 3; i++) {
    allow(tables[i], R);
  }
  ask((uint64_t)tables[0] | MMU_EXTENDED, MMU_PIN_ROOT);
}

void end_tables(uint64_t *const tables[3]) {
  ask((uint64_t)tables[0] | MMU_EXTENDED, MMU_UNPIN);
  for (int i = 0; i < 3; i++) {
    allow(tables[i], R | W);
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
  ask((uint64_t)root | MMU_EXTENDED, MMU_NEW_ROOT);
  ruled = true;
}

void forget_page(uint64_t address) { (void)address; }
