// The wall clock: a goldfish RTC.
#include "nano.h"

// Reading the low word (offset 0) latches the high one (offset 4).
uint64_t wall_clock_nanos(void) {
  if (machine.rtc_base == 0) {
    return 0;
  }
  volatile uint32_t *rtc = (volatile uint32_t *)machine.rtc_base;
  uint32_t low = rtc[0];
  return (uint64_t)rtc[1] << 32 | low;
}
