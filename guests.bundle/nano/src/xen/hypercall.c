// How this kernel asks the monitor: as a program asks its kernel, with the number in a7.
#include "xen.h"

int64_t hypercall(uint64_t number, uint64_t first, uint64_t second, uint64_t third,
                  uint64_t fourth) {
  register uint64_t a0 __asm__("a0") = first;
  register uint64_t a1 __asm__("a1") = second;
  register uint64_t a2 __asm__("a2") = third;
  register uint64_t a3 __asm__("a3") = fourth;
  register uint64_t a7 __asm__("a7") = number;
  __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a7) : "memory");
  return (int64_t)a0;
}

void sbi_set_timer(uint64_t when) { hypercall(SET_TIMER, when, 0, 0, 0); }

static _Noreturn void stop(uint64_t how, uint64_t why) {
  print("");
  console_event();
  for (;;) {
    hypercall(SCHEDULE, how, why, 0, 0);
  }
}

_Noreturn void sbi_shut_down(bool failed) { stop(SCHEDULE_OFF, failed); }

_Noreturn void sbi_reboot(void) { stop(SCHEDULE_REBOOT, 0); }

void wait_for_interrupt(void) { hypercall(SCHEDULE, SCHEDULE_BLOCK, 0, 0, 0); }

// One handler for all: where a trap comes from is in the registers.
void set_trap_entry(void) {
  static uint64_t table[16][2];
  for (uint64_t cause = 0; cause < 16; cause++) {
    table[cause][0] = cause;
    table[cause][1] = (uint64_t)trap_entry;
  }
  hypercall(SET_TRAP_TABLE, (uint64_t)table, 16, 0, 0);
  hypercall(SET_CALLBACK, (uint64_t)trap_entry, 0, 0, 0);
}

// The processor hands calls of programs to the trap entry by itself.
bool open_gate(bool open) {
  return hypercall(SET_FAST_TRAP, open ? (uint64_t)trap_entry : 0, 0, 0, 0) == 0;
}

uint64_t lend_page(uint64_t driver, const volatile void *page) {
  static uint64_t next;
  hypercall(GRANTS, GRANTS_LEND, next, driver, (uint64_t)page / PAGE_SIZE);
  return next++;
}
