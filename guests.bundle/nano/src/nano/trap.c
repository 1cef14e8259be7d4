// What happens when the hart leaves the program: interrupts, page faults, and mistakes.
// Source: RISC-V Privileged Architecture 1.12, section 4.1.8 (table of causes).
#include "nano.h"

#define INTERRUPT (1ul << 63)
enum { TIMER_INTERRUPT = 5, EXTERNAL_INTERRUPT = 9, LOAD_PAGE_FAULT = 13, STORE_PAGE_FAULT = 15 };

static const char *const exception_names[] = {
    "instruction address misaligned", "instruction access fault", "illegal instruction",
    "breakpoint",                     "load address misaligned",  "load access fault",
    "store address misaligned",       "store access fault",       "call from user mode",
    "call from supervisor mode",      "reserved",                 "reserved",
    "instruction page fault",         "load page fault",          "reserved",
    "store page fault"};

static const char *const register_names[] = {
    "zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
    "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
    "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};

static _Noreturn void die(const struct trap_frame *frame, uint64_t cause, uint64_t value) {
  print("\nnano: trap: %s (scause 0x%x) at sepc 0x%x, stval 0x%x\n",
        cause <= STORE_PAGE_FAULT ? exception_names[cause] : "unexpected", cause, frame->pc, value);
  for (int i = 1; i < 32; i++) {
    print("%s 0x%x%c", register_names[i], frame->x[i], i % 4 == 0 || i == 31 ? '\n' : ' ');
  }
  print("nano: halted\n");
  sbi_shut_down(true);
}

void take_trap(struct trap_frame *frame) {
  uint64_t cause = trap_cause();
  uint64_t value = trap_value();
  if (cause == (INTERRUPT | TIMER_INTERRUPT)) {
    take_timer_interrupt();
  } else if (cause == (INTERRUPT | EXTERNAL_INTERRUPT)) {
    take_external_interrupt();
  } else if ((cause == LOAD_PAGE_FAULT || cause == STORE_PAGE_FAULT) && handle_heap_fault(value)) {
    // Mapped now. The saved pc still points to the faulting instruction, which runs again.
  } else {
    die(frame, cause, value);
  }
}
