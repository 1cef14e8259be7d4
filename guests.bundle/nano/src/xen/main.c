// The order in which nano comes to life on vmm.xen.
#include "nano.h"

_Noreturn void start_nano(uint64_t hart, const void *start_info) {
  set_trap_entry();
  read_device_tree(start_info, hart);
  start_uart();
  print("\nnano 1.0 for xen: RV64 hart %u, %u ticks a second\n", hart, machine.timebase_hz);
  print("memory: %u MiB at 0x%x\n", machine.memory_size / MIB, machine.memory_base);

  turn_on_paging();
  start_plic(hart);
  start_disk();
  start_clock();
  interrupts_on();

  print("nano: ready\n");
  run_shell();
}
