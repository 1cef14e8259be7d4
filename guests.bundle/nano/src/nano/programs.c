// What runs in user mode. All of it is one page, which each process has at PROGRAM_START, so a program
// uses nothing but that page, the pages of its image, and its memory.
#include "nano.h"

#define PROGRAM __attribute__((section(".user.text"), noreturn, used))
#define IMAGE words_of(1)
#define MEMORY words_of(FIRST_MEMORY_PAGE)
enum { WORDS = PAGE_SIZE / 8, IMAGE_SUM = 11 + 22 + 33 + 44 };

// What a process begins with in the pages behind the code, until it writes there.
__attribute__((section(".user.image"), used, aligned(4096))) const uint64_t
    image_words[IMAGE_PAGES * WORDS] = {
        [0] = 11, [1 * WORDS] = 22, [2 * WORDS] = 33, [3 * WORDS] = 44};

// A compiler may put so long a number as PROGRAM_START into memory, which programs do not have.
static inline __attribute__((always_inline)) volatile uint64_t *words_of(uint64_t page) {
  uint64_t start;
  __asm__("li %0, 1\n\tslli %0, %0, 37" : "=r"(start));
  return (volatile uint64_t *)(start + page * PAGE_SIZE);
}
_Static_assert(PROGRAM_START == 1ul << 37, "see above");

static inline __attribute__((always_inline)) uint64_t call(uint64_t number, uint64_t first,
                                                           uint64_t second) {
  register uint64_t a0 __asm__("a0") = first;
  register uint64_t a1 __asm__("a1") = second;
  register uint64_t a7 __asm__("a7") = number;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a7) : "memory");
  return a0;
}

static inline __attribute__((always_inline, noreturn)) void end(uint64_t status) {
  for (;;) {
    call(CALL_END, status, 0);
  }
}

PROGRAM void null_program(uint64_t times) {
  while (times-- > 0) {
    call(CALL_NOTHING, 0, 0);
  }
  end(0);
}

PROGRAM void yield_program(uint64_t times) {
  while (times-- > 0) {
    call(CALL_YIELD, 0, 0);
  }
  end(0);
}

// Has all pages that there can be, so that there is something to copy.
static inline __attribute__((always_inline)) void use_all_pages(void) {
  for (uint64_t page = 0; page < MEMORY_PAGES; page++) {
    MEMORY[page * WORDS] = page;
  }
  for (uint64_t page = 0; page < IMAGE_PAGES; page++) {
    IMAGE[page * WORDS + 1] = page;
  }
}

// A child has what its parent had, and neither sees what the other one writes from then on.
PROGRAM void fork_program(uint64_t times) {
  use_all_pages();
  uint64_t wrong = 0;
  for (uint64_t i = 1; i <= times; i++) {
    MEMORY[0] = i;
    if (call(CALL_FORK, 0, 0) == 0) {
      uint64_t seen = MEMORY[0];
      MEMORY[0] = ~i;
      end(seen + MEMORY[WORDS]);
    }
    wrong |= call(CALL_WAIT, 0, 0) ^ (i + 1);
    wrong |= MEMORY[0] ^ i;
  }
  end(wrong);
}

// What a child becomes: the image is new, and memory is zero.
PROGRAM void executed_program(uint64_t argument) {
  uint64_t sum = argument + MEMORY[0];
  for (uint64_t page = 0; page < IMAGE_PAGES; page++) {
    sum += IMAGE[page * WORDS] + IMAGE[page * WORDS + 1];
  }
  IMAGE[0] = sum;
  MEMORY[0] = sum;
  end(IMAGE[0]);
}

PROGRAM void exec_program(uint64_t times) {
  use_all_pages();
  uint64_t wrong = 0;
  for (uint64_t i = 1; i <= times; i++) {
    MEMORY[0] = i;
    if (call(CALL_FORK, 0, 0) == 0) {
      call(CALL_EXEC, (uint64_t)executed_program, i);
      end(0);
    }
    wrong |= call(CALL_WAIT, 0, 0) ^ (i + IMAGE_SUM);
  }
  end(wrong);
}

// A byte to another process, which runs then, and one back: two switches.
PROGRAM void pipe_program(uint64_t times) {
  uint64_t rounds = (times + 1) / 2;
  if (call(CALL_FORK, 0, 0) == 0) {
    for (uint64_t i = 0; i < rounds; i++) {
      call(CALL_SEND, 1, call(CALL_RECEIVE, 0, 0) + 1);
    }
    end(0);
  }
  uint64_t wrong = 0;
  for (uint64_t i = 0; i < rounds; i++) {
    call(CALL_SEND, 0, i & 127);
    wrong |= call(CALL_RECEIVE, 1, 0) ^ ((i & 127) + 1);
  }
  wrong |= call(CALL_WAIT, 0, 0);
  end(wrong);
}
