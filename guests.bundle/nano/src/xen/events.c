// Event channels: in place of interrupts, one bit for each port in the page shared with the monitor.
#include "xen.h"

static uint64_t timer_port, ports[2];

void start_plic(uint64_t hart) {
  (void)hart;
  timer_port = (uint64_t)hypercall(EVENTS, EVENTS_BIND_TIMER, 0, 0, 0);
}

uint64_t bind_driver(uint64_t driver) {
  return ports[driver] = (uint64_t)hypercall(EVENTS, EVENTS_BIND_DRIVER, driver, 0, 0);
}

void take_external_interrupt(void) {
  uint64_t pending = __atomic_exchange_n(&shared_page()->pending, 0, __ATOMIC_SEQ_CST);
  if (pending >> timer_port & 1) {
    take_timer_interrupt();
  }
  if (pending >> ports[DISK_DRIVER] & 1) {
    disk_event();
  }
}
