// The order in which nano comes to life.
#include "nano.h"

_Noreturn void start_nano(uint64_t hart, const void *device_tree) {
  set_trap_entry();
  // The tree lies in RAM that memory.c hands out later, so all that matters is copied first.
  read_device_tree(device_tree, hart);
  start_uart();
  print("\nnano 1.0: RV64 hart %u, timer by %s, %u ticks a second\n", hart,
        machine.has_sstc ? "stimecmp" : "SBI", machine.timebase_hz);
  uint64_t version = sbi_version();
  print("sbi: version %u.%u,%s%s%s\n", version >> 24, version & 0xffffff,
        sbi_offers(SBI_TIME) ? " TIME" : "", sbi_offers(SBI_SRST) ? " SRST" : "",
        sbi_offers(SBI_DBCN) ? " DBCN" : "");
  print("memory: %u MiB at 0x%x\n", machine.memory_size / MIB, machine.memory_base);

  turn_on_paging();
  start_plic(hart);
  start_disk();
  start_clock();
  write_csr(sie, SIE_TIMER | SIE_EXTERNAL);
  interrupts_on();

  print("nano: ready\n");
  run_shell();
}
