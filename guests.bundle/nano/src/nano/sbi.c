// The supervisor binary interface: how a kernel asks the layer below it (a monitor or firmware) for
// what only that layer can do. An `ecall` with the extension in a7, the function in a6, and the
// answer in a0 (error) and a1 (value). Source: RISC-V SBI Specification 2.0, chapters 3, 4, 6, 10.
#include "nano.h"

struct sbi_answer {
  int64_t error;
  uint64_t value;
};

static struct sbi_answer sbi_call(uint64_t extension, uint64_t function, uint64_t first,
                                  uint64_t second) {
  register uint64_t a0 __asm__("a0") = first;
  register uint64_t a1 __asm__("a1") = second;
  register uint64_t a6 __asm__("a6") = function;
  register uint64_t a7 __asm__("a7") = extension;
  __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a6), "r"(a7) : "memory");
  return (struct sbi_answer){(int64_t)a0, a1};
}

// The version: bits 30..24 are the major number, bits 23..0 the minor one.
uint64_t sbi_version(void) { return sbi_call(SBI_BASE, 0, 0, 0).value; }

bool sbi_offers(uint64_t extension) {
  struct sbi_answer answer = sbi_call(SBI_BASE, 3, extension, 0);
  return answer.error == 0 && answer.value != 0;
}

void sbi_set_timer(uint64_t when) { sbi_call(SBI_TIME, 0, when, 0); }

// System reset returns only when it is refused. Then there is nobody left to tell, and nothing to
// do.
static _Noreturn void sbi_reset(uint64_t type, uint64_t reason) {
  sbi_call(SBI_SRST, 0, type, reason);
  print("nano: the monitor refuses to reset; halted\n");
  interrupts_off();
  write_csr(sie, 0);
  for (;;) {
    wait_for_interrupt();
  }
}

_Noreturn void sbi_shut_down(bool failed) { sbi_reset(0, failed ? 1 : 0); }

_Noreturn void sbi_reboot(void) { sbi_reset(1, 0); }

// Calls of programs come to this kernel by themselves.
bool open_gate(bool open) {
  (void)open;
  return false;
}

// Firmware takes no memory back.
bool give_pages(uint64_t first, uint64_t count) {
  (void)first;
  (void)count;
  return false;
}

bool take_pages_back(uint64_t first, uint64_t count) { return give_pages(first, count); }
