// Signals: handlers and what they see, masks, interrupted and restarted calls, another stack,
// children, timers, stopping and going on.
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t seen;
static volatile sig_atomic_t code;
static volatile int here;

static void note(int signal) { seen = signal; }

static void look(int signal, siginfo_t *origin, void *context) {
  seen = signal;
  code = origin->si_code;
  here = context != NULL;
}

static void handle(int signal, void (*handler)(int), int flags) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
  sigaction(signal, &action, NULL);
}

static double add(double a, double b) {
  raise(SIGUSR1); // floating point registers have to come through a handler
  return a + b;
}

static void plain(void) {
  handle(SIGUSR1, note, 0);
  printf("raise: %d", raise(SIGUSR1));
  printf(" seen %d, sum %g\n", (int)seen, add(1.5, 2.25));
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  seen = 0;
  raise(SIGUSR1);
  sigset_t waiting;
  sigpending(&waiting);
  printf("blocked: seen %d, waits %d\n", (int)seen, sigismember(&waiting, SIGUSR1));
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  printf("unblocked: seen %d\n", (int)seen);
  handle(SIGUSR1, SIG_IGN, 0);
  seen = 0;
  raise(SIGUSR1);
  printf("ignored: seen %d\n", (int)seen);
  printf("not to be handled: %d, %s\n", sigaction(SIGKILL, &(struct sigaction){.sa_handler = note}, NULL),
         strerror(errno));
}

static sigjmp_buf back;

static void leave(int signal) {
  seen = signal;
  siglongjmp(back, 1);
}

static void faults(void) {
  static volatile int *volatile nowhere = (volatile int *)0x10;
  handle(SIGSEGV, leave, 0);
  if (sigsetjmp(back, 1) == 0) {
    *nowhere = 1;
  }
  printf("fault: seen %d\n", (int)seen);
  static char stack[65536];
  stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&other, NULL);
  handle(SIGSEGV, leave, SA_ONSTACK);
  seen = 0;
  if (sigsetjmp(back, 1) == 0) {
    // No stack at all.
    __asm__ volatile("mv t0, sp\n li sp, 64\n sd zero, 0(sp)\n mv sp, t0" ::: "t0", "memory");
  }
  printf("on another stack: seen %d\n", (int)seen);
  struct sigaction informed = {.sa_sigaction = look, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR2, &informed, NULL);
  kill(getpid(), SIGUSR2);
  printf("siginfo: seen %d, code %d, context %d\n", (int)seen, (int)code, here);
}

static void calls(void) {
  int ends[2];
  if (pipe(ends)) {
    exit(1);
  }
  for (int restart = 0; restart < 2; restart++) {
    handle(SIGALRM, note, restart ? SA_RESTART : 0);
    seen = 0;
    // Again and again: the first may come before the read.
    struct itimerval soon = {{0, 30000}, {0, 30000}}, never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &soon, NULL);
    fflush(stdout);
    pid_t pid = restart ? fork() : 0;
    if (restart && pid == 0) {
      usleep(100000);
      _exit(write(ends[1], "x", 1) != 1);
    }
    char byte;
    errno = 0;
    ssize_t got = read(ends[0], &byte, 1);
    int error = errno;
    setitimer(ITIMER_REAL, &never, NULL);
    printf("read: %zd, %s, seen %d\n", got, strerror(error), (int)seen);
    if (restart) {
      wait(NULL);
    }
  }
  handle(SIGALRM, note, SA_RESTART);
  struct itimerval soon = {{0, 30000}, {0, 30000}}, never = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &soon, NULL);
  struct timespec rest, day = {86400, 0};
  errno = 0;
  int slept = nanosleep(&day, &rest);
  int error = errno;
  setitimer(ITIMER_REAL, &never, NULL);
  printf("sleep: %d, %s, rest %d\n", slept, strerror(error), rest.tv_sec > 80000);
}

static void children(void) {
  sigset_t set, before;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigprocmask(SIG_BLOCK, &set, &before);
  handle(SIGCHLD, note, 0);
  seen = 0;
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    _exit(6);
  }
  while (seen == 0) {
    sigsuspend(&before);
  }
  int status;
  printf("child: seen %d, waited %d", (int)seen, waitpid(pid, &status, 0) == pid);
  printf(" 0x%x\n", status);
  handle(SIGCHLD, SIG_DFL, 0);
  sigprocmask(SIG_SETMASK, &before, NULL);
  fflush(stdout);
  pid = fork();
  if (pid == 0) {
    for (volatile long i = 0;; i++) {
    }
  }
  kill(pid, SIGSTOP);
  waitpid(pid, &status, WUNTRACED);
  printf("stopped: 0x%x\n", status);
  kill(pid, SIGCONT);
  waitpid(pid, &status, WCONTINUED);
  printf("goes on: 0x%x\n", status);
  kill(pid, SIGTERM);
  waitpid(pid, &status, 0);
  printf("ended: 0x%x\n", status);
  handle(SIGCHLD, SIG_IGN, 0);
  pid = fork();
  if (pid == 0) {
    _exit(0);
  }
  printf("nobody to wait for: %d, %s\n", waitpid(pid, &status, 0), strerror(errno));
}

int main(void) {
  plain();
  faults();
  calls();
  children();
  return 0;
}
