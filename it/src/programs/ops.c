// Does one operation of an operating system COUNT times and prints what one took, in nanoseconds of
// the monotonic clock. The same file runs as a native program, inside machines and on qemu-riscv64.
//
//   ops null COUNT            a system call that does nothing (getppid)
//   ops fault COUNT           the first write to a page of fresh memory
//   ops fork COUNT            a child that ends at once, and waiting for it
//   ops exec COUNT            the same, but the child runs this program anew first
//   ops switch COUNT          a byte through a pipe to another process, which runs then
//   ops read COUNT [FILE]     4 KiB from a file or disk, at changing places, past caches if it can be
//   ops write COUNT [FILE]    the same, written; without FILE a file in /tmp of 1 MiB is made
//
// Exit status: 0 well, 1 an operation failed, 2 asked wrongly.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE_SIZE = 4096, FAULTS_AT_ONCE = 256, BLOCKS = 256 };

static const char *program;
static const char *file;

static void fail(const char *what) {
  fprintf(stderr, "ops: %s: %s\n", what, strerror(errno));
  exit(1);
}

static long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000L + time.tv_nsec;
}

static void await(pid_t child) {
  int status;
  if (waitpid(child, &status, 0) != child) {
    fail("wait");
  }
  if (status != 0) {
    fprintf(stderr, "ops: a child ended with status 0x%x\n", (unsigned)status);
    exit(1);
  }
}

static void null_calls(long count) {
  for (long i = 0; i < count; i++) {
    syscall(SYS_getppid);
  }
}

static void faults(long count) {
  for (long done = 0; done < count; done += FAULTS_AT_ONCE) {
    long pages = count - done < FAULTS_AT_ONCE ? count - done : FAULTS_AT_ONCE;
    char *memory = mmap(NULL, (size_t)pages * PAGE_SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
      fail("mmap");
    }
    madvise(memory, (size_t)pages * PAGE_SIZE, MADV_NOHUGEPAGE);
    for (long page = 0; page < pages; page++) {
      ((volatile char *)memory)[page * PAGE_SIZE] = 1;
    }
    munmap(memory, (size_t)pages * PAGE_SIZE);
  }
}

static void forks(long count) {
  for (long i = 0; i < count; i++) {
    pid_t child = fork();
    if (child < 0) {
      fail("fork");
    }
    if (child == 0) {
      _exit(0);
    }
    await(child);
  }
}

static void execs(long count) {
  for (long i = 0; i < count; i++) {
    pid_t child = fork();
    if (child < 0) {
      fail("fork");
    }
    if (child == 0) {
      char *arguments[] = {(char *)program, "nothing", NULL};
      execv(program, arguments);
      _exit(1);
    }
    await(child);
  }
}

// A round is two switches: there and back.
static void switches(long count) {
  int there[2];
  int back[2];
  if (pipe(there) != 0 || pipe(back) != 0) {
    fail("pipe");
  }
  pid_t child = fork();
  if (child < 0) {
    fail("fork");
  }
  char byte = 0;
  long rounds = (count + 1) / 2;
  if (child == 0) {
    for (long i = 0; i < rounds; i++) {
      if (read(there[0], &byte, 1) != 1 || write(back[1], &byte, 1) != 1) {
        _exit(1);
      }
    }
    _exit(0);
  }
  for (long i = 0; i < rounds; i++) {
    if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1) {
      fail("pipe");
    }
  }
  await(child);
}

static char block[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

static int open_file(int mode) {
  if (file == NULL) {
    int made = open("/tmp/ops.blocks", O_RDWR | O_CREAT, 0600);
    if (made < 0 || ftruncate(made, (off_t)BLOCKS * PAGE_SIZE) != 0) {
      fail("/tmp/ops.blocks");
    }
    return made;
  }
  int opened = open(file, mode | O_DIRECT);
  if (opened < 0) {
    opened = open(file, mode);
  }
  if (opened < 0) {
    fail(file);
  }
  return opened;
}

static long blocks_of(int opened) {
  off_t size = lseek(opened, 0, SEEK_END);
  return size < PAGE_SIZE ? 1 : size / PAGE_SIZE < BLOCKS ? size / PAGE_SIZE : BLOCKS;
}

static void reads(long count) {
  int opened = open_file(O_RDONLY);
  long blocks = blocks_of(opened);
  for (long i = 0; i < count; i++) {
    if (pread(opened, block, PAGE_SIZE, i * 7 % blocks * PAGE_SIZE) != PAGE_SIZE) {
      fail("read");
    }
  }
  close(opened);
}

static void writes(long count) {
  int opened = open_file(O_RDWR);
  long blocks = blocks_of(opened);
  for (long i = 0; i < count; i++) {
    memset(block, (int)i, PAGE_SIZE);
    if (pwrite(opened, block, PAGE_SIZE, i * 7 % blocks * PAGE_SIZE) != PAGE_SIZE) {
      fail("write");
    }
  }
  close(opened);
}

static const struct {
  const char *name;
  void (*run)(long count);
} operations[] = {
    {"null", null_calls}, {"fault", faults}, {"fork", forks},  {"exec", execs},
    {"switch", switches}, {"read", reads},   {"write", writes},
};

int main(int count, char **arguments) {
  if (count == 2 && strcmp(arguments[1], "nothing") == 0) {
    return 0;
  }
  program = arguments[0];
  long times = count >= 3 ? strtol(arguments[2], NULL, 10) : 0;
  file = count >= 4 ? arguments[3] : NULL;
  for (size_t i = 0; times > 0 && i < sizeof operations / sizeof operations[0]; i++) {
    if (strcmp(arguments[1], operations[i].name) == 0) {
      long start = now();
      operations[i].run(times);
      printf("%s: %ld times, %ld ns each\n", arguments[1], times, (now() - start) / times);
      return 0;
    }
  }
  fprintf(stderr, "usage: ops null|fault|fork|exec|switch|read|write COUNT [FILE]\n");
  return 2;
}
