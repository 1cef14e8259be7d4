// What the monitor says about the machine: a page of words, in place of a device tree.
#include "xen.h"

#define MAGIC 0x1006e6578ul

static uint64_t shared, wall;

void read_device_tree(const void *page, uint64_t hart) {
  const uint64_t *word = page;
  (void)hart;
  if (word[0] != MAGIC) {
    sbi_shut_down(true);
  }
  shared = word[4];
  wall = word[5];
  machine.memory_base = word[1];
  machine.memory_size = shared - word[1];  // what lies behind that page is left alone
  machine.timebase_hz = word[3];
}

struct machine machine;

struct shared *shared_page(void) { return (struct shared *)shared; }

void map_devices(void) { map_to_itself(shared, shared + PAGE_SIZE, R | W); }

uint64_t wall_clock_nanos(void) { return wall + to_nanos(now()); }
