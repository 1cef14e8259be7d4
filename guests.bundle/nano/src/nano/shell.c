// Reads a line, runs a command, forever. Each command prints one line that is easy to match in a
// test.
#include "nano.h"

#define LINE_SIZE 256

static void help(const char *argument);

static void echo(const char *text) { print("%s\n", text); }

static void show_ticks(const char *argument) {
  (void)argument;
  print("ticks %u\n", tick_count());
}

static void show_faults(const char *argument) {
  (void)argument;
  print("faults %u\n", fault_count());
}

static void show_time(const char *argument) {
  (void)argument;
  uint64_t ticks = now();
  print("time %u ticks, %u ns, wall %u ns\n", ticks, to_nanos(ticks), wall_clock_nanos());
}

// Touches fresh heap pages, by turns reading first or writing first: both must fault, once a page.
static void touch(const char *argument) {
  uint64_t pages;
  if (!parse_number(argument, &pages)) {
    print("touch: how many pages?\n");
    return;
  }
  volatile uint64_t *heap = grow_heap(pages);
  if (!heap) {
    print("touch: only %u frames are free\n", free_frames());
    return;
  }
  uint64_t before = fault_count();
  uint64_t not_zero = 0;
  for (uint64_t page = 0; page < pages; page++) {
    volatile uint64_t *words = heap + page * (PAGE_SIZE / 8);
    if (page % 2 == 0) {
      not_zero += words[0] != 0;
    }
    words[page % 512] = page + 1;
    not_zero += words[(page + 1) % 512] != 0;
  }
  print("touched %u pages, %u faults, %s\n", pages, fault_count() - before,
        not_zero == 0 ? "all zero" : "NOT ZERO");
}

// A chain in which each round needs the one before, so a single wrong instruction, or a register
// that an interrupt did not give back, changes the result.
static void sum(const char *argument) {
  uint64_t rounds;
  if (!parse_number(argument, &rounds)) {
    print("sum: how many rounds?\n");
    return;
  }
  uint64_t x = 0x9e3779b97f4a7c15;
  for (uint64_t i = 0; i < rounds; i++) {
    x = (x ^ i) * 0xd1342543de82ef95;
    x ^= x >> 29;
  }
  print("sum %u = 0x%x\n", rounds, x);
}

// Sleeps until so many ticks (default: one second's) have come.
static void idle(const char *argument) {
  uint64_t wanted = TICKS_PER_SECOND;
  if (*argument != 0 && !parse_number(argument, &wanted)) {
    print("idle: how many ticks?\n");
    return;
  }
  uint64_t started = now();
  for (uint64_t end = tick_count() + wanted; tick_count() < end;) {
    wait_for_interrupt();
  }
  print("idle %u ticks, %u ns\n", wanted, to_nanos(now() - started));
}

static uint64_t disk_buffer[64 * SECTOR_SIZE / 8] __attribute__((aligned(4096)));

// Up to three numbers parted by one space each; says whether there were that many.
static bool parse_numbers(const char *text, uint64_t count, uint64_t *values) {
  char word[24];
  for (uint64_t i = 0; i < count; i++) {
    uint64_t length = 0;
    while (*text != 0 && *text != ' ' && length < sizeof word - 1) {
      word[length++] = *text++;
    }
    word[length] = 0;
    text += *text == ' ';
    if (!parse_number(word, &values[i])) {
      return false;
    }
  }
  return *text == 0;
}

static bool in_disk(uint64_t sector, uint64_t count) {
  uint64_t sectors = disk_sectors();
  return count > 0 && count <= 64 && sector < sectors && count <= sectors - sector;
}

static void disk(const char *argument) {
  (void)argument;
  print("disk %u sectors\n", disk_sectors());
}

// Fills sectors with a chain that starts at the seed, so that each word is different.
static void put(const char *argument) {
  uint64_t n[3];
  if (!parse_numbers(argument, 3, n) || !in_disk(n[0], n[1])) {
    print("put: which SECTOR, how many (1 to 64), from which SEED?\n");
    return;
  }
  uint64_t x = n[2];
  for (uint64_t i = 0; i < n[1] * SECTOR_SIZE / 8; i++) {
    x = x * 0x5851f42d4c957f2d + 0x14057b7ef767814f;
    disk_buffer[i] = x;
  }
  print("put %u %u %u: status %u\n", n[0], n[1], n[2],
        disk_request(DISK_WRITE, n[0], disk_buffer, n[1] * SECTOR_SIZE));
}

static void get(const char *argument) {
  uint64_t n[2];
  if (!parse_numbers(argument, 2, n) || !in_disk(n[0], n[1])) {
    print("get: which SECTOR, how many (1 to 64)?\n");
    return;
  }
  for (uint64_t i = 0; i < n[1] * SECTOR_SIZE / 8; i++) {
    disk_buffer[i] = 0;
  }
  uint64_t status = disk_request(DISK_READ, n[0], disk_buffer, n[1] * SECTOR_SIZE);
  uint64_t x = 0x9e3779b97f4a7c15;
  for (uint64_t i = 0; i < n[1] * SECTOR_SIZE / 8; i++) {
    x = (x ^ disk_buffer[i]) * 0xd1342543de82ef95;
    x ^= x >> 29;
  }
  print("get %u %u = 0x%x: status %u\n", n[0], n[1], x, status);
}

static void flush(const char *argument) {
  (void)argument;
  print("flush: status %u\n", disk_request(DISK_FLUSH, 0, disk_buffer, 0));
}

static bool do_times(const char *what, uint64_t times) {
  if (same(what, "null")) {
    return run_program(null_program, 1, times);
  }
  if (same(what, "switch")) {
    return run_program(yield_program, 2, (times + 1) / 2);
  }
  if (same(what, "fork")) {
    return run_program(fork_program, 1, times);
  }
  if (same(what, "exec")) {
    return run_program(exec_program, 1, times);
  }
  if (same(what, "pipe")) {
    return run_program(pipe_program, 1, times);
  }
  if (same(what, "fault")) {
    volatile uint64_t *heap = grow_heap(times);
    for (uint64_t i = 0; heap && i < times; i++) {
      heap[i * (PAGE_SIZE / 8)] = 1;
    }
    return heap != 0;
  }
  if (same(what, "map")) {
    return map_and_forget(times);
  }
  bool read = !same(what, "write"), write = !same(what, "read");  // both: a copy
  for (uint64_t i = 0; i < times; i++) {
    uint64_t sector = i % 4 * 8;
    if (!in_disk(sector, 8) ||
        (read && disk_request(DISK_READ, sector, disk_buffer, PAGE_SIZE) != 0) ||
        (write && disk_request(DISK_WRITE, sector, disk_buffer, PAGE_SIZE) != 0)) {
      return false;
    }
  }
  return true;
}

// One operation of a kernel so many times, and how long one took.
static void operation(const char *argument) {
  static const char *const names[] = {"null", "switch", "fork", "exec", "pipe",
                                      "fault", "map",   "read", "write", "copy"};
  char what[8];
  uint64_t length = 0;
  while (*argument != 0 && *argument != ' ' && length < sizeof what - 1) {
    what[length++] = *argument++;
  }
  what[length] = 0;
  uint64_t times;
  bool known = false;
  for (uint64_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    known |= same(what, names[i]);
  }
  if (!known || *argument != ' ' || !parse_number(argument + 1, &times) || times == 0) {
    print("op: null, switch, fork, exec, pipe, fault, map, read, write or copy; how often?\n");
    return;
  }
  uint64_t start = now();
  if (!do_times(what, times)) {
    print("op: %s cannot be done %u times\n", what, times);
    return;
  }
  print("%s: %u times, %u ns each\n", what, times, to_nanos(now() - start) / times);
}

static void gate(const char *argument) {
  bool open = same(argument, "on");
  if (!open && !same(argument, "off")) {
    print("gate: on or off?\n");
  } else if (open_gate(open)) {
    print("gate %s\n", argument);
  } else {
    print("gate: there is none\n");
  }
}

// How many entries of tables one call of the monitor is to change.
static void batch(const char *argument) {
  uint64_t most;
  if (!parse_number(argument, &most) || most == 0) {
    print("batch: how many?\n");
  } else if (set_batch(most)) {
    print("batch %u\n", most);
  } else {
    print("batch: not that many, or nobody is asked\n");
  }
}

static void change_memory(const char *argument) {
  uint64_t pages;
  bool all_zero;
  if (same(argument, "back")) {
    bool done = deflate(&pages, &all_zero);
    print("balloon back: %u pages, %s\n", pages,
          !done ? "REFUSED" : all_zero ? "all zero" : "NOT ZERO");
  } else if (!parse_number(argument, &pages)) {
    print("balloon: how many pages, or back?\n");
  } else if (balloon(pages)) {
    print("balloon %u: given away, %u frames are free\n", pages, free_frames());
  } else {
    print("balloon: %u pages cannot be given away\n", pages);
  }
}

static void crash(const char *argument) {
  (void)argument;
  *(volatile uint64_t *)0x20dead0000ul = 1;  // nothing is mapped there
}

static void off(const char *argument) {
  (void)argument;
  print("nano: off\n");
  sbi_shut_down(false);
}

static void reboot(const char *argument) {
  (void)argument;
  print("nano: reboot\n");
  sbi_reboot();
}

static const struct command {
  const char *name;
  const char *what;
  void (*run)(const char *argument);
} commands[] = {
    {"help", "this list", help},
    {"echo", "TEXT: prints it", echo},
    {"ticks", "timer ticks since the start, 100 a second", show_ticks},
    {"faults", "page faults in the heap so far", show_faults},
    {"touch", "N: touches N fresh heap pages", touch},
    {"sum", "N: a checksum over N rounds", sum},
    {"time", "the time register, and the wall clock since 1970 (0: there is none)", show_time},
    {"idle", "[N]: sleeps for N ticks", idle},
    {"disk", "how many sectors of 512 bytes it has (0: there is none)", disk},
    {"put", "SECTOR COUNT SEED: writes numbers that follow from the seed", put},
    {"get", "SECTOR COUNT: reads, and prints a checksum", get},
    {"flush", "what was written is on the disk", flush},
    {"op", "KIND N: does it N times, says how long one took; without KIND, says which there are",
     operation},
    {"gate", "on|off: a way for system calls beside the monitor, if it has one", gate},
    {"batch", "N: entries of page tables are changed so many at a time, if somebody is asked", batch},
    {"balloon", "N|back: gives pages to the monitor, or has all of them back", change_memory},
    {"crash", "a store to nowhere", crash},
    {"off", "shuts down", off},
    {"reboot", "starts again", reboot},
};

static void help(const char *argument) {
  (void)argument;
  for (uint64_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    print("%s %s\n", commands[i].name, commands[i].what);
  }
}

static void run(char *line) {
  char *argument = line;
  while (*argument != 0 && *argument != ' ') {
    argument++;
  }
  if (*argument == ' ') {
    *argument++ = 0;
  }
  for (uint64_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    if (same(line, commands[i].name)) {
      commands[i].run(argument);
      return;
    }
  }
  if (*line != 0) {
    print("%s: no such command; try help\n", line);
  }
}

// A line ends with CR (a terminal's Return) or LF (a script). An empty line only prompts again.
static void read_line(char *line) {
  uint64_t length = 0;
  for (;;) {
    char c = get_char();
    if (c == '\r' || c == '\n') {
      put_char('\n');
      line[length] = 0;
      return;
    }
    if ((c == '\b' || c == 127) && length > 0) {
      length--;
      print("\b \b");
    } else if ((uint8_t)c >= ' ' && c != 127 && length < LINE_SIZE - 1) {
      line[length++] = c;
      put_char(c);
    }
  }
}

_Noreturn void run_shell(void) {
  static char line[LINE_SIZE];
  for (;;) {
    print("> ");
    read_line(line);
    run(line);
  }
}
