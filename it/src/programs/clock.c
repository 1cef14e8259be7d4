// Checks that the monotonic clock never goes back and does go on, and that the real-time clock is
// set.
#include <stdint.h>
#include <stdio.h>
#include <time.h>

static int64_t nanos(clockid_t clock) {
  struct timespec time;
  if (clock_gettime(clock, &time) != 0) {
    perror("clock: clock_gettime");
    return -1;
  }
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int main(void) {
  int64_t start = nanos(CLOCK_MONOTONIC);
  int64_t last = start;
  int64_t grew = 0;
  for (int i = 0; i < 1000; i++) {
    int64_t now = nanos(CLOCK_MONOTONIC);
    if (now < last) {
      printf("clock: went back by %lld ns\n", (long long)(last - now));
      return 1;
    }
    grew += now > last;
    last = now;
  }
  if (start < 0 || grew == 0) {
    printf("clock: stands still\n");
    return 1;
  }
  // Some day after this was written, in 2025.
  int real = nanos(CLOCK_REALTIME) > (int64_t)1735689600 * 1000000000;
  printf("clock: monotonic grows, real time %s\n", real ? "is set" : "IS NOT SET");
  return real ? 0 : 1;
}
