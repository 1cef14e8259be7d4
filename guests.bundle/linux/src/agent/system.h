// Linux system calls of riscv64, without a C library. Each returns a negative error number on
// failure. Source: the kernel's include/uapi/asm-generic/unistd.h (numbers) and man pages section 2
// (meaning).
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
  SYS_dup3 = 24, SYS_fcntl = 25, SYS_ioctl = 29, SYS_openat = 56, SYS_close = 57, SYS_pipe2 = 59,
  SYS_read = 63, SYS_write = 64, SYS_ppoll = 73, SYS_signalfd4 = 74, SYS_exit_group = 94,
  SYS_clock_gettime = 113, SYS_kill = 129, SYS_rt_sigprocmask = 135, SYS_setpgid = 154,
  SYS_clone = 220, SYS_execve = 221, SYS_wait4 = 260,
};

enum { EINTR = 4, EAGAIN = 11, ENOMEM = 12, EINVAL = 22, EMFILE = 24 };
enum { O_RDONLY = 0, O_RDWR = 2, O_NONBLOCK = 04000, O_CLOEXEC = 02000000 };
enum { AT_FDCWD = -100, F_SETFL = 4, FIONREAD = 0x541b, WNOHANG = 1 };
enum { POLLIN = 1, POLLOUT = 4, POLLERR = 8, POLLHUP = 16, POLLNVAL = 32 };
enum { SIGKILL = 9, SIGPIPE = 13, SIGCHLD = 17, SIG_BLOCK = 0, SIG_UNBLOCK = 1 };
enum { CLOCK_MONOTONIC = 1 };

struct poll_entry {
  int32_t fd;
  int16_t events;
  int16_t happened;
};

struct time {
  int64_t seconds;
  int64_t nanos;
};

static inline int64_t system_call(int64_t number, int64_t a, int64_t b, int64_t c, int64_t d,
                                  int64_t e) {
  register int64_t a0 __asm__("a0") = a;
  register int64_t a1 __asm__("a1") = b;
  register int64_t a2 __asm__("a2") = c;
  register int64_t a3 __asm__("a3") = d;
  register int64_t a4 __asm__("a4") = e;
  register int64_t a7 __asm__("a7") = number;
  __asm__ volatile("ecall"
                   : "+r"(a0)
                   : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a7)
                   : "memory");
  return a0;
}

static inline int64_t sys_open(const char *path, int flags) {
  return system_call(SYS_openat, AT_FDCWD, (int64_t)path, flags, 0, 0);
}
static inline int64_t sys_close(int fd) { return system_call(SYS_close, fd, 0, 0, 0, 0); }
static inline int64_t sys_read(int fd, void *to, uint64_t size) {
  return system_call(SYS_read, fd, (int64_t)to, (int64_t)size, 0, 0);
}
static inline int64_t sys_write(int fd, const void *from, uint64_t size) {
  return system_call(SYS_write, fd, (int64_t)from, (int64_t)size, 0, 0);
}
static inline int64_t sys_kill(int pid, int signal) {
  return system_call(SYS_kill, pid, signal, 0, 0, 0);
}
static inline int64_t sys_setpgid(int pid, int group) {
  return system_call(SYS_setpgid, pid, group, 0, 0, 0);
}
static inline int64_t sys_dup(int from, int to) {
  return system_call(SYS_dup3, from, to, 0, 0, 0);
}
static inline int64_t sys_pipe(int32_t ends[2]) {
  return system_call(SYS_pipe2, (int64_t)ends, O_CLOEXEC, 0, 0, 0);
}
static inline int64_t sys_fork(void) { return system_call(SYS_clone, SIGCHLD, 0, 0, 0, 0); }
static inline int64_t sys_mask(int how, const uint64_t *signals) {
  return system_call(SYS_rt_sigprocmask, how, (int64_t)signals, 0, sizeof *signals, 0);
}
_Noreturn static inline void sys_exit(int status) {
  for (;;) {
    system_call(SYS_exit_group, status, 0, 0, 0, 0);
  }
}
static inline int64_t now_millis(void) {
  struct time time;
  system_call(SYS_clock_gettime, CLOCK_MONOTONIC, (int64_t)&time, 0, 0, 0);
  return time.seconds * 1000 + time.nanos / 1000000;
}
// Waits for one of the entries; millis below 0 is for ever.
static inline int64_t sys_poll(struct poll_entry *entries, int count, int64_t millis) {
  struct time time = {millis / 1000, millis % 1000 * 1000000};
  return system_call(SYS_ppoll, (int64_t)entries, count, millis < 0 ? 0 : (int64_t)&time, 0, 0);
}
