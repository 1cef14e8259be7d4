// Asks for too much and for what it may not have. Prints only what is the same everywhere.
// Usage: hostile; hostile bomb (as many children as it gets, which wait).
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const long wrong[] = {0, 8, -1, -4096, 0x7fffffffffffffff, 0x2000000000};

// System calls whose argument of that number is an address.
static const struct {
  long number;
  int argument;
  long others[6];
} calls[] = {
    {SYS_read, 1, {-2, 0, 16}},      {SYS_write, 1, {-3, 0, 16}},
    {SYS_openat, 1, {AT_FDCWD}},     {SYS_newfstatat, 1, {AT_FDCWD}},
    {SYS_getcwd, 0, {0, 4096}},      {SYS_pipe2, 0, {0}},
    {SYS_wait4, 1, {-4}},            {SYS_rt_sigaction, 1, {SIGUSR1, 0, 0, 8}},
    {SYS_rt_sigprocmask, 1, {SIG_BLOCK, 0, 0, 8}},
    {SYS_clock_gettime, 1, {0}},
    {SYS_uname, 0, {0}},             {SYS_execve, 0, {0}},
    {SYS_mkdirat, 1, {AT_FDCWD}},    {SYS_readlinkat, 1, {AT_FDCWD}},
    {SYS_ppoll, 0, {0, 1}},
};

static void addresses(void) {
  int ends[2];
  if (pipe(ends) || write(ends[1], "0123456789abcdef", 16) != 16) {
    return;
  }
  for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
    int faults = 0;
    for (size_t w = 0; w < sizeof wrong / sizeof wrong[0]; w++) {
      long a[6];
      memcpy(a, calls[i].others, sizeof a);
      a[0] = a[0] == -2 ? ends[0] : a[0] == -3 ? ends[1] : a[0];
      a[calls[i].argument] = wrong[w];
      pid_t child = -1;
      if (a[0] == -4) {
        if (wrong[w] == 0) {
          faults++;
          continue;
        }
        child = fork();
        if (child == 0) {
          _exit(0);
        }
        a[0] = child;
      }
      if (wrong[w] == 0 && (calls[i].number == SYS_rt_sigaction || calls[i].number == SYS_rt_sigprocmask)) {
        faults++; // null is allowed there
        continue;
      }
      errno = 0;
      faults += syscall(calls[i].number, a[0], a[1], a[2], a[3], a[4], a[5]) == -1 && errno == EFAULT;
    }
    printf("call %ld: %d of %zu wrong addresses\n", calls[i].number, faults, sizeof wrong / sizeof wrong[0]);
  }
}

static void bomb(void) {
  int children = 0;
  errno = 0;
  signal(SIGTERM, SIG_DFL);
  for (; children < 100000; children++) {
    pid_t pid = fork();
    if (pid == 0) {
      pause();
      _exit(0);
    }
    if (pid < 0) {
      break;
    }
  }
  int limit = errno;
  signal(SIGTERM, SIG_IGN);
  kill(0, SIGTERM);
  int gone = 0;
  while (wait(NULL) > 0) {
    gone++;
  }
  printf("bomb: %s, all gone: %d\n", strerror(limit), gone == children);
  fflush(stdout);
  pid_t again = fork();
  if (again == 0) {
    _exit(0);
  }
  printf("fork works again: %d\n", again > 0 && wait(NULL) == again);
}

int main(int count, char **arguments) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (count == 2 && strcmp(arguments[1], "bomb") == 0) {
    bomb();
    return 0;
  }
  addresses();
  int opened = 0;
  while (open("/dev/null", O_RDONLY) >= 0) {
    opened++;
  }
  printf("descriptors: more than 100: %d, %s\n", opened > 100, strerror(errno));
  return 0;
}
