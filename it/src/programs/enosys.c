// Makes system calls that no personality of ours serves, and prints the error numbers. 38 is
// ENOSYS.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { SYS_BPF = 280, SYS_NEVER_ASSIGNED = 4000 };

static int error_of(long number) {
  errno = 0;
  return syscall(number, 0, 0, 0) == -1 ? errno : 0;
}

int main(void) {
  int never = error_of(SYS_NEVER_ASSIGNED);
  printf("bpf: errno %d\n", error_of(SYS_BPF));
  printf("system call %d: errno %d\n", SYS_NEVER_ASSIGNED, never);
  return never == ENOSYS ? 0 : 1;
}
