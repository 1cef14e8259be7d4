// Gets memory in three ways, touches N pages of each, and checks that what is fresh is zero and
// what was written stays. Usage: faults [N], 64 unless told otherwise. Each page touched is one
// page fault.
#define _DEFAULT_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE_SIZE = 4096, WORDS = PAGE_SIZE / 8 };

static uint64_t fresh_but_not_zero;
static uint64_t checksum;

// Every other page is read before it is written, as both must bring a page of zeros.
static void touch(const char *what, volatile uint64_t *memory, long pages) {
  for (long page = 0; page < pages; page++) {
    volatile uint64_t *words = memory + page * WORDS;
    if (page % 2 == 0) {
      fresh_but_not_zero += words[page % WORDS] != 0;
    }
    words[0] = (uint64_t)page * 0x9e3779b97f4a7c15u + 1;
    words[WORDS - 1] += (uint64_t)page + 1;
    for (int i = 1; i < WORDS - 1; i++) {
      fresh_but_not_zero += words[i] != 0;
    }
  }
  uint64_t sum = 0;
  for (long page = 0; page < pages; page++) {
    sum = (sum ^ memory[page * WORDS] ^ memory[page * WORDS + WORDS - 1]) * 0xd1342543de82ef95u;
  }
  checksum = (checksum ^ sum) * 0xd1342543de82ef95u;
  printf("%s: %ld pages\n", what, pages);
}

int main(int count, char **arguments) {
  long pages = count > 1 ? strtol(arguments[1], NULL, 10) : 64;
  size_t size = (size_t)pages * PAGE_SIZE;

  // The break need not be at the border of a page, and the page it is in may have been used.
  uintptr_t old_break = (uintptr_t)sbrk((intptr_t)(size + PAGE_SIZE));
  if (pages <= 0 || old_break == (uintptr_t)-1) {
    printf("faults: no heap of %ld pages\n", pages);
    return 1;
  }
  touch("brk", (uint64_t *)((old_break + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE), pages);

  void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) {
    printf("faults: no mapping of %ld pages\n", pages);
    return 1;
  }
  touch("mmap", mapped, pages);

  static uint64_t zeros[64 * WORDS] __attribute__((aligned(PAGE_SIZE)));
  touch("bss", zeros, pages < 64 ? pages : 64);

  printf("%s, checksum %016lx\n", fresh_but_not_zero == 0 ? "all zero" : "NOT ZERO",
         (unsigned long)checksum);
  return fresh_but_not_zero == 0 ? 0 : 1;
}
