// Sv39 page tables, and a heap whose pages appear when they are touched.
// Source: RISC-V Privileged Architecture 1.12, sections 4.3 and 4.4.
//
//   virtual address          what                               rights   page size
//   0x0000_0010_1000         real-time clock                    rw       4 KiB
//   0x0000_0c00_0000         PLIC                               rw       2 MiB
//   0x0000_1000_0000         UART                               rw       4 KiB
//   0x0000_1000_1000         virtio devices                     rw       4 KiB each
//   0x0000_8020_0000         nano itself, where it was loaded   rx r rw  4 KiB
//   up to the end of RAM     all other RAM, same address        rw       2 MiB where it fits
//   0x0010_0000_0000         the heap, empty at first           rw       4 KiB
//   0x001f_c000_0000         a window of 2 MiB, mostly empty    r    4 KiB
//   0x0020_0000_0000         a process, in its own space only   rx r rw  4 KiB
#include "nano.h"

#define HEAP_START 0x1000000000ul
#define WINDOW_START 0x1fc0000000ul
#define WINDOW_PAGES 512ul
#define RAM_LIMIT HEAP_START  // RAM above is left alone, for the two must not overlap

extern char image_start[], rodata_start[], data_start[], image_end[];

static uint64_t *root_table;
static uint64_t next_frame;  // frames are handed out from here upwards and never come back
static uint64_t frame_end;
static uint64_t given;  // frames from there on that the monitor has
static uint64_t heap_end = HEAP_START;  // what grow_heap has promised; only some of it exists
static uint64_t faults;

uint64_t fault_count(void) { return faults; }

uint64_t free_frames(void) { return (frame_end - next_frame) / PAGE_SIZE; }

uint64_t take_zeroed_frame(void) {
  uint64_t frame = next_frame;
  next_frame += PAGE_SIZE;
  for (uint64_t *word = (uint64_t *)frame; word < (uint64_t *)next_frame; word++) {
    *word = 0;
  }
  return frame;
}

uint64_t *kernel_root(void) { return root_table; }

// Walks from the root (level 2: 1 GiB an entry) to the entry at `level` (1: 2 MiB, 0: 4 KiB),
// making the tables on the way. A table's address is usable as it stands because RAM is mapped to
// itself.
uint64_t *entry_for(uint64_t *root, uint64_t address, int level) {
  uint64_t *table = root;
  for (int at = 2;; at--) {
    uint64_t *entry = &table[address >> (12 + 9 * at) & 511];
    if (at == level) {
      return entry;
    }
    if (!(*entry & V)) {
      set_entry(entry, (uint64_t)new_table() >> 12 << 10 | V);
    }
    table = (uint64_t *)(*entry >> 10 << 12);
  }
}

void map_to_itself(uint64_t start, uint64_t end, uint64_t rights) {
  while (start < end) {
    bool large = LARGE_PAGES && start % (2 * MIB) == 0 && end - start >= 2 * MIB;
    set_entry(entry_for(root_table, start, large ? 1 : 0), start >> 12 << 10 | rights | V | A | D);
    start += large ? 2 * MIB : PAGE_SIZE;
  }
}

void turn_on_paging(void) {
  uint64_t image = (uint64_t)image_start;
  uint64_t end = machine.memory_base + machine.memory_size;
  frame_end = (end < RAM_LIMIT ? end : RAM_LIMIT) / PAGE_SIZE * PAGE_SIZE;
  next_frame = (uint64_t)image_end;
  if (image < machine.memory_base || next_frame + MIB > frame_end) {
    print("nano: the device tree shows no memory where nano is loaded\n");
    sbi_shut_down(true);
  }
  root_table = new_table();
  map_devices();
  map_to_itself(image, (uint64_t)rodata_start, R | X);
  map_to_itself((uint64_t)rodata_start, (uint64_t)data_start, R);
  map_to_itself((uint64_t)data_start, frame_end, R | W);
  protect_tables((uint64_t)root_table, next_frame);
  use_root(root_table);
  settle();
}

volatile uint64_t *grow_heap(uint64_t pages) {
  // Besides the pages themselves, the heap needs tables: one for each 512 pages, and a few above.
  uint64_t tables = pages / 512 + 4;
  if (pages > free_frames() || pages + tables > free_frames()) {
    return 0;
  }
  uint64_t start = heap_end;
  heap_end += pages * PAGE_SIZE;
  return (volatile uint64_t *)start;
}

// Called when the hart found no entry for an address. In the promised part of the heap that is
// expected: the page gets a frame now, and the faulting instruction is tried again.
bool handle_heap_fault(uint64_t address) {
  if (address < HEAP_START || address >= heap_end || free_frames() < 3) {
    return false;
  }
  uint64_t *entry = entry_for(root_table, address, 0);
  if (*entry & V) {
    return false;  // the page is there: this was a wrong kind of access
  }
  set_entry(entry, take_zeroed_frame() >> 12 << 10 | R | W | V | A | D);
  forget_page(address);
  faults++;
  return true;
}

// Changes tables and nothing else: entries for one page that is there already, a window full at a
// time; each is used, and then they are taken away again.
bool map_and_forget(uint64_t pages) {
  if (free_frames() < 3) {
    return false;
  }
  uint64_t *first = entry_for(root_table, WINDOW_START, 0);
  volatile uint64_t *there = (volatile uint64_t *)image_start;
  bool same = true;
  for (uint64_t count; pages > 0; pages -= count) {
    count = pages < WINDOW_PAGES ? pages : WINDOW_PAGES;
    set_entries(first, (uint64_t)image_start >> 12 << 10 | R | V | A | D, count);
    for (uint64_t i = 0; i < count; i++) {
      same &= *(volatile uint64_t *)(WINDOW_START + i * PAGE_SIZE) == *there;
    }
    set_entries(first, 0, count);
    settle();
  }
  return same;
}

// What the monitor gets is no memory any more until it is taken back: nothing maps it.
bool balloon(uint64_t pages) {
  if (pages == 0 || free_frames() < 3 || pages > free_frames() - 3) {
    return false;
  }
  uint64_t first = frame_end - pages * PAGE_SIZE;
  for (uint64_t at = first; at < frame_end; at += PAGE_SIZE) {
    *(volatile uint64_t *)at = at;
  }
  if (!give_pages(first, pages)) {
    return false;
  }
  frame_end = first;
  given += pages;
  return true;
}

bool deflate(uint64_t *pages, bool *all_zero) {
  *pages = given;
  *all_zero = true;
  if (!take_pages_back(frame_end, given)) {
    return false;
  }
  for (; given > 0; given--, frame_end += PAGE_SIZE) {
    for (uint64_t i = 0; i < PAGE_SIZE / 8; i++) {
      *all_zero &= ((volatile uint64_t *)frame_end)[i] == 0;
    }
  }
  return true;
}
