// What the test programs share. They print what they see; the test compares that with what they print on QEMU.
#include <stdint.h>

struct trap {
  uint64_t cause, pc, value, status, count;
};

// The last trap to machine mode and to supervisor mode.
extern volatile struct trap last, supervisor;
extern volatile uint64_t resume;
extern char trap_entry[], supervisor_entry[];
void go(uint64_t pc, uint64_t status);

#define read_csr(name) \
  ({ uint64_t value_; __asm__ volatile("csrr %0, " #name : "=r"(value_)); value_; })
#define write_csr(name, value) __asm__ volatile("csrw " #name ", %0" : : "r"((uint64_t)(value)) : "memory")
#define set_csr(name, value) __asm__ volatile("csrs " #name ", %0" : : "r"((uint64_t)(value)) : "memory")
#define clear_csr(name, value) __asm__ volatile("csrc " #name ", %0" : : "r"((uint64_t)(value)) : "memory")

#define NO_TRAP 0x77
#define MPP_S (1ul << 11)
#define MPP_M (3ul << 11)
#define MPRV (1ul << 17)
#define SUM (1ul << 18)
#define MXR (1ul << 19)

static inline void print_char(char c) { *(volatile uint8_t *)0x10000000ul = (uint8_t)c; }

static inline void print(const char *text) {
  while (*text) {
    print_char(*text++);
  }
}

static inline void print_hex(uint64_t value) {
  int shift = 60;
  while (shift > 0 && value >> shift == 0) {
    shift -= 4;
  }
  for (; shift >= 0; shift -= 4) {
    print_char("0123456789abcdef"[value >> shift & 15]);
  }
}

static inline void show(const char *name, uint64_t value) {
  print(name);
  print_char(' ');
  print_hex(value);
  print_char('\n');
}

// Executes one instruction (assembly text, operands in a0, a1, a2) and shows what trap it caused, if any, and a0.
#define TRY(text, x0, x1)                                                            \
  ({                                                                                 \
    register uint64_t a0_ __asm__("a0") = (uint64_t)(x0);                            \
    register uint64_t a1_ __asm__("a1") = (uint64_t)(x1);                            \
    last.cause = NO_TRAP;                                                            \
    __asm__ volatile(".option push\n.option norelax\n"                               \
                     "la t0, 1f\nla t1, resume\nsd t0, 0(t1)\nla t2, 2f\n"           \
                     "2: " text "\n1:\n.option pop"                                  \
                     : "+r"(a0_), "+r"(a1_) : : "t0", "t1", "t2", "t3", "memory");   \
    a0_;                                                                             \
  })

// The same with a report.
#define REPORT(text, x0, x1)              \
  do {                                    \
    uint64_t got_ = TRY(text, x0, x1);    \
    print(text);                          \
    print(": ");                          \
    print_hex(last.cause);                \
    if (last.cause == NO_TRAP) {          \
      show(" a0", got_);                  \
    } else {                              \
      show(" tval", last.value);          \
    }                                     \
  } while (0)
