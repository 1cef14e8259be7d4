// Memory that comes and goes. A page that anything maps cannot be given away, so it is taken out of
// the kernel's tables first.
#include "xen.h"

enum { MOST_AT_ONCE = 512 };

static bool move(uint64_t first, uint64_t count, uint64_t what) {
  static uint64_t list[MOST_AT_ONCE];
  while (count > 0) {
    uint64_t part = count < MOST_AT_ONCE ? count : MOST_AT_ONCE;
    for (uint64_t i = 0; i < part; i++) {
      list[i] = first / PAGE_SIZE + i;
    }
    if (hypercall(MEMORY, what, (uint64_t)list, part, 0) != (int64_t)part) {
      return false;
    }
    first += part * PAGE_SIZE;
    count -= part;
  }
  return true;
}

bool give_pages(uint64_t first, uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    hypercall(UPDATE_MAPPING, first + i * PAGE_SIZE, 0, 0, 0);
  }
  return move(first, count, MEMORY_GIVE);
}

bool take_pages_back(uint64_t first, uint64_t count) {
  bool taken = move(first, count, MEMORY_TAKE);
  if (taken) {
    map_to_itself(first, first + count * PAGE_SIZE, R | W);
  }
  return taken;
}
