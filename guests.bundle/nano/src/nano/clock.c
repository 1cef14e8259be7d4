// The timer tick, and the time.
#include "nano.h"

static uint64_t next_tick;
static volatile uint64_t ticks;

uint64_t now(void) {
  uint64_t value;
  __asm__ volatile("rdtime %0" : "=r"(value));
  return value;
}

uint64_t tick_count(void) { return ticks; }

// In two parts, because ticks times 10^9 would overflow after half an hour.
uint64_t to_nanos(uint64_t timebase_ticks) {
  uint64_t hz = machine.timebase_hz;
  return timebase_ticks / hz * 1000000000 + timebase_ticks % hz * 1000000000 / hz;
}

// With Sstc a hart has a comparison register of its own (0x14d, stimecmp); without, the monitor is
// asked. Either way the pending interrupt goes away because the new time lies in the future.
static void set_timer(uint64_t when) {
  if (machine.has_sstc) {
    write_csr(0x14d, when);
  } else {
    sbi_set_timer(when);
  }
}

void start_clock(void) {
  if (machine.timebase_hz == 0) {
    print("nano: the device tree has no timebase-frequency\n");
    sbi_shut_down(true);
  }
  next_tick = now();
  take_timer_interrupt();
  ticks = 0;
}

void take_timer_interrupt(void) {
  uint64_t interval = machine.timebase_hz / TICKS_PER_SECOND;
  ticks++;
  next_tick += interval;
  if (next_tick <= now()) {
    next_tick = now() + interval;  // the machine stood still: lost ticks are not made up for
  }
  set_timer(next_tick);
}
