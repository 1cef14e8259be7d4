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
//   ops copy COUNT [FILE]     4 KiB read from the first half of it and written to the second
//   ops rounds [FILE]         for each line of input, a number: computes, touches so many fresh pages,
//                             reads the clock, and writes a sector of FILE and reads it back. A line
//                             such as 'null 1000' does that operation
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

static void copies(long count) {
  int opened = open_file(O_RDWR);
  long half = blocks_of(opened) / 2;
  for (long i = 0; i < count; i++) {
    off_t from = (half == 0 ? 0 : i * 7 % half) * PAGE_SIZE;
    if (pread(opened, block, PAGE_SIZE, from) != PAGE_SIZE ||
        pwrite(opened, block, PAGE_SIZE, from + half * PAGE_SIZE) != PAGE_SIZE) {
      fail("copy");
    }
  }
  close(opened);
}

static const struct {
  const char *name;
  void (*run)(long count);
} operations[] = {
    {"null", null_calls}, {"fault", faults}, {"fork", forks},  {"exec", execs},
    {"switch", switches}, {"read", reads},   {"write", writes}, {"copy", copies},
};

// Says whether there is such an operation.
static int operate(const char *name, long times) {
  for (size_t i = 0; times > 0 && i < sizeof operations / sizeof operations[0]; i++) {
    if (strcmp(name, operations[i].name) == 0) {
      long start = now();
      operations[i].run(times);
      printf("%s: %ld times, %ld ns each\n", name, times, (now() - start) / times);
      return 1;
    }
  }
  return 0;
}

// A program that people (or an experiment) talk to. What it touches is never given back, so that its
// pager is needed in each round. Ends with its input.
static int rounds(void) {
  enum { RESERVED_PAGES = 100000, SECTOR = 512 };
  volatile char *memory = mmap(NULL, (size_t)RESERVED_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    fail("mmap");
  }
  int opened = file == NULL ? -1 : open_file(O_RDWR);
  long touched = 0;
  char line[64];
  printf("\n> ");
  fflush(stdout);
  while (fgets(line, sizeof line, stdin) != NULL) {
    line[strcspn(line, "\n")] = 0;
    if (line[0] >= 'a' && line[0] <= 'z') {
      char *rest = strchr(line, ' ');
      if (rest != NULL) {
        *rest++ = 0;
      }
      if (!operate(line, rest == NULL ? 0 : strtol(rest, NULL, 10))) {
        printf("no such operation\n");
      }
      printf("\n> ");
      fflush(stdout);
      continue;
    }
    long pages = strtol(line, NULL, 10);
    unsigned long chain = 1;
    for (int i = 0; i < 300; i++) {
      chain = chain * 6364136223846793005ul + 1442695040888963407ul;
    }
    long wrong = 0;
    for (long i = 0; i < pages && touched < RESERVED_PAGES; i++, touched++) {
      wrong += memory[touched * PAGE_SIZE] != 0;
      memory[touched * PAGE_SIZE] = 1;
    }
    if (opened >= 0) {
      memset(block, (int)(touched & 0xff), SECTOR);
      if (pwrite(opened, block, SECTOR, 3 * SECTOR) != SECTOR) {
        fail("write");
      }
      memset(block, 0, SECTOR);
      if (pread(opened, block, SECTOR, 3 * SECTOR) != SECTOR) {
        fail("read");
      }
      wrong += block[7] != (char)(touched & 0xff);
    }
    if (pages > 0) {
      printf("%s %ld pages at %ld, %lx, %ld wrong\n",
             wrong == 0 && touched < RESERVED_PAGES ? "done" : "failed", pages, now(), chain, wrong);
    }
    printf("\n> ");
    fflush(stdout);
  }
  return 0;
}

int main(int count, char **arguments) {
  if (count == 2 && strcmp(arguments[1], "nothing") == 0) {
    return 0;
  }
  program = arguments[0];
  if (count >= 2 && strcmp(arguments[1], "rounds") == 0) {
    file = count >= 3 ? arguments[2] : NULL;
    return rounds();
  }
  long times = count >= 3 ? strtol(arguments[2], NULL, 10) : 0;
  file = count >= 4 ? arguments[3] : NULL;
  if (operate(arguments[1] == NULL ? "" : arguments[1], times)) {
    return 0;
  }
  fprintf(stderr, "usage: ops null|fault|fork|exec|switch|read|write|copy COUNT [FILE]\n"
                  "       ops rounds [FILE]\n");
  return 2;
}
