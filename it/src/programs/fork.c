// Processes: fork, wait, exit statuses, copy-on-write.
#define _DEFAULT_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGES = 40, PAGE = 4096 };

static char data[PAGES * PAGE] = {1};

static int run(int (*child)(void)) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    _exit(child());
  }
  int status = -1;
  if (pid < 0 || waitpid(pid, &status, 0) != pid) {
    printf("fork or wait: %s\n", strerror(errno));
    exit(1);
  }
  return status;
}

static int leave_with_7(void) { return 7; }

static int abort_itself(void) {
  abort();
  return 0;
}

static volatile int *volatile nowhere = (volatile int *)8;

static int read_null(void) { return *nowhere; }

static int overwrite_code(void) {
  *(volatile char *)(void *)leave_with_7 = 0;
  return 0;
}

static volatile int endless = 1;

static int deeper(int depth) {
  volatile char frame[2000];
  frame[0] = (char)depth;
  return endless ? deeper(depth + 1) + frame[0] : 0;
}

static int recurse(void) { return deeper(0); }

static long sum(const char *bytes) {
  long all = 0;
  for (int i = 0; i < PAGES; i++) {
    all += bytes[i * PAGE];
  }
  return all;
}

static char *heap;
static char *shared;

static int write_everything(void) {
  for (int i = 0; i < PAGES; i++) {
    data[i * PAGE] += 2;
    heap[i * PAGE] += 3;
    shared[i * PAGE] += 4;
  }
  return sum(data) == 2 * PAGES + 1 && sum(heap) == 4 * PAGES && sum(shared) == 4 * PAGES ? 0 : 1;
}

static void copy_on_write(void) {
  heap = malloc(PAGES * PAGE);
  memset(heap, 1, PAGES * PAGE);
  shared = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int status = run(write_everything);
  printf("child wrote: %d; parent has %ld, %ld, and shares %ld\n", status, sum(data), sum(heap),
         sum(shared));
  for (int i = 0; i < PAGES; i++) {
    heap[i * PAGE] = 5;
  }
  printf("parent wrote: %ld\n", sum(heap));
}

// A tree of processes, each of which writes to the same page.
static int tree(int depth) {
  static volatile int level;
  level = depth;
  int leaves = 1;
  for (int i = 0; i < 2 && depth > 0; i++) {
    pid_t pid = fork();
    if (pid == 0) {
      _exit(tree(depth - 1));
    }
    int status = 0;
    waitpid(pid, &status, 0);
    leaves += WEXITSTATUS(status);
    if (level != depth) {
      return 0;
    }
  }
  return leaves;
}

int main(void) {
  printf("exit: 0x%x\n", run(leave_with_7));
  printf("abort: 0x%x\n", run(abort_itself) & 0x7f);
  printf("null: 0x%x\n", run(read_null) & 0x7f);
  printf("code: 0x%x\n", run(overwrite_code) & 0x7f);
  printf("recursion: 0x%x\n", run(recurse) & 0x7f);
  copy_on_write();
  fflush(stdout);
  printf("tree: %d\n", tree(4));
  printf("nobody: %d, %s\n", waitpid(-1, NULL, 0), strerror(errno));
  int status = 0;
  fflush(stdout);
  pid_t sleeper = fork();
  if (sleeper == 0) {
    pause();
    _exit(0);
  }
  printf("still running: %d\n", waitpid(sleeper, &status, WNOHANG));
  kill(sleeper, 9);
  printf("killed: %d 0x%x\n", waitpid(sleeper, &status, 0) == sleeper, status);
  errno = 0;
  printf("no program: %d, %s\n", execl("/no/such/program", "x", NULL), strerror(errno));
  return 0;
}
