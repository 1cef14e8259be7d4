// Makes mappings longer and shorter, in place and elsewhere: what was in them stays, what is new is
// zero, and a child's copy is its own. Ends with 0, or 1 at the first thing that is wrong.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096 };

static void need(int true_, const char *what) {
  printf("%s: %s\n", what, true_ ? "yes" : "NO");
  if (!true_) {
    exit(1);
  }
}

static int holds(const char *memory, int pages, int written) {
  for (int page = 0; page < pages; page++) {
    if (memory[page * PAGE + 17] != (page < written ? page + 1 : 0)) {
      return 0;
    }
  }
  return 1;
}

int main(void) {
  // Room behind, and then something in the way.
  char *all = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  need(all != MAP_FAILED, "mapped");
  munmap(all + 4 * PAGE, 12 * PAGE);
  for (int page = 0; page < 4; page++) {
    all[page * PAGE + 17] = (char)(page + 1);
  }
  char *longer = mremap(all, 4 * PAGE, 8 * PAGE, 0);
  need(longer == all, "longer in place");
  need(holds(longer, 8, 4), "the same, and zeros");
  char *wall = mmap(all + 8 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  need(wall == all + 8 * PAGE, "something behind it");
  need(mremap(all, 8 * PAGE, 64 * PAGE, 0) == MAP_FAILED, "no longer where it cannot be");
  pid_t child = fork();
  if (child == 0) {
    char *moved = mremap(all, 8 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
    int well = moved != MAP_FAILED && moved != all && holds(moved, 64, 4);
    moved[17] = 99;
    moved[63 * PAGE] = 1;
    _exit(well && moved[17] == 99 ? 0 : 1);
  }
  int status = 1;
  waitpid(child, &status, 0);
  need(status == 0, "a child moves its copy");
  need(holds(all, 8, 4), "the parent's is as before");
  char *moved = mremap(all, 8 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
  need(moved != MAP_FAILED && moved != all, "moved");
  need(holds(moved, 64, 4), "the same there, and zeros");
  moved[17] = 1;
  moved[40 * PAGE + 17] = 41;
  need(mremap(moved, 64 * PAGE, 2 * PAGE, 0) == moved, "shorter");
  need(holds(moved, 2, 2), "its start is left");
  need(mremap(moved, 2 * PAGE, 2 * PAGE, 0) == moved, "as long as before");
  need(mremap((char *)0x10000000000, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED, "not what is not mapped");
  char *text = malloc(200000);
  memset(text, 'x', 200000);
  text = realloc(text, 3000000);
  need(text != NULL && text[0] == 'x' && text[199999] == 'x', "realloc of the C library");
  return 0;
}
