// mix: a load of several kinds, to measure processors with. Usage: mix [ITERATIONS], 1000 unless
// told otherwise. A Linux program without a C library that makes three system calls only:
// clock_gettime, write, exit_group. So it runs in a Linux guest, as a native program, and under
// qemu-riscv64.
#include "mix.h"

enum { SYS_WRITE = 64, SYS_EXIT_GROUP = 94, SYS_CLOCK_GETTIME = 113, CLOCK_MONOTONIC = 1 };

static long system_call(long number, long a, long b, long c) {
  register long a0 __asm__("a0") = a;
  register long a1 __asm__("a1") = b;
  register long a2 __asm__("a2") = c;
  register long a7 __asm__("a7") = number;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
  return a0;
}

static uint64_t micros(void) {
  int64_t time[2] = {0, 0};
  system_call(SYS_CLOCK_GETTIME, CLOCK_MONOTONIC, (long)time, 0);
  return (uint64_t)time[0] * 1000000 + (uint64_t)time[1] / 1000;
}

static char line[160];
static int length;

static void add_text(const char *text) {
  while (*text != 0) {
    line[length++] = *text++;
  }
}

static void add_number(uint64_t value, uint32_t base, int least_digits) {
  char digits[20];
  int count = 0;
  do {
    digits[count++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0 || count < least_digits);
  while (count > 0) {
    line[length++] = digits[--count];
  }
}

static uint64_t parse(const char *text) {
  uint64_t value = 0;
  for (; *text >= '0' && *text <= '9' && value < 1000000000000; text++) {
    value = value * 10 + (uint64_t)(*text - '0');
  }
  return *text == 0 ? value : 0;
}

long run_mix(long count, char **arguments) {
  uint64_t iterations = count > 1 ? parse(arguments[1]) : 1000;
  if (iterations == 0) {
    add_text("usage: mix [ITERATIONS]\n");
    system_call(SYS_WRITE, 2, (long)line, length);
    return 2;
  }
  uint64_t start = micros();
  uint32_t crc = ~0u;
  for (uint64_t i = 0; i < iterations; i++) {
    // Each part gets a seed that depends on all that was done before.
    crc = crc_of(crc, process_list(crc | 1));
    crc = crc_of(crc, multiply_matrices(crc | 1));
    crc = crc_of(crc, recognise_numbers(crc | 1));
  }
  uint64_t took = micros() - start;

  add_text("mix: ");
  add_number(iterations, 10, 1);
  add_text(" iterations, checksum ");
  add_number(crc, 16, 8);
  add_text(", ");
  add_number(took, 10, 1);
  add_text(" us, ");
  add_number(took == 0 ? 0 : iterations * 1000000 / took, 10, 1);
  add_text(" iterations/s\n");
  system_call(SYS_WRITE, 1, (long)line, length);
  return 0;
}
