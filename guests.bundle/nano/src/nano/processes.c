// Processes: user mode, system calls, and address spaces that have the kernel in them as well.
//
// A process has 2 MiB of addresses at most, so three tables: the root, one in the middle, and the last
// one. Its pages are code, which all share; an image, which is copied when it is written; and memory,
// which appears when it is touched. A child gets its parent's pages, and whoever writes to one first
// gets a copy. Tables are filled while they are ordinary memory and become tables when they are
// complete; all that changes at one time is said to the hart (or monitor) at once.
#include "nano.h"

#define COPY 256ul  // of an entry's bits for the kernel: whoever writes there gets a copy
enum { CALL_FROM_PROGRAM = 8, LOAD_PAGE_FAULT = 13, STORE_PAGE_FAULT = 15 };
enum { PROCESSES = 4, POOL = PROCESSES * (PROGRAM_PAGES + 3), PIPES = 2, PIPE_SIZE = 16 };
enum state { FREE, READY, WAITING, RECEIVING, ENDED };

extern char user_text[], user_image[];

static struct process {
  struct trap_frame frame;
  enum state state;
  struct process *parent;
  uint64_t pipe;    // that it waits for
  uint64_t status;  // when it has ended
  uint64_t *tables[3];
} processes[PROCESSES];

static struct pipe {
  uint8_t bytes[PIPE_SIZE];
  uint64_t put, taken;
} pipes[PIPES];

// ---- frames: enough for all, each with how many entries lead to it ----

static uint64_t pool;
static uint8_t uses[POOL];

// Of the frame that an entry leads to; null when it is of the kernel's own image.
static uint8_t *use_of(uint64_t entry) {
  uint64_t frame = entry >> 10 << 12;
  bool ours = entry & V && frame >= pool && frame < pool + POOL * PAGE_SIZE;
  return ours ? &uses[(frame - pool) / PAGE_SIZE] : 0;
}

static uint64_t take_frame(void) {
  uint64_t at = 0;
  while (uses[at] != 0) {
    at++;
  }
  uses[at] = 1;
  return pool + at * PAGE_SIZE;
}

static void fill(uint64_t frame, const uint64_t *from) {  // null: with zeros
  uint64_t *to = (uint64_t *)frame;
  for (uint64_t i = 0; i < PAGE_SIZE / 8; i++) {
    to[i] = from ? from[i] : 0;
  }
}

static void hold(uint64_t entry) {
  uint8_t *use = use_of(entry);
  if (use) {
    (*use)++;
  }
}

static void let_go(uint64_t entry) {
  uint8_t *use = use_of(entry);
  if (use) {
    (*use)--;
  }
}

// ---- address spaces ----

static uint64_t first_entry(uint64_t page) {
  if (page == 0) {
    return (uint64_t)user_text >> 12 << 10 | R | X | U | V | A | D;
  }
  bool image = page < FIRST_MEMORY_PAGE;
  uint64_t frame = (uint64_t)user_image + (page - 1) * PAGE_SIZE;
  return image ? frame >> 12 << 10 | R | U | V | A | D | COPY : 0;
}

// Of a process that begins, or of another one's child.
static void make_space(struct process *process, struct process *from) {
  for (int i = 0; i < 3; i++) {
    process->tables[i] = (uint64_t *)take_frame();
    fill((uint64_t)process->tables[i], i == 0 ? kernel_root() : 0);
  }
  process->tables[0][PROGRAM_START >> 30] = (uint64_t)process->tables[1] >> 12 << 10 | V;
  process->tables[1][0] = (uint64_t)process->tables[2] >> 12 << 10 | V;
  for (uint64_t page = 0; page < PROGRAM_PAGES; page++) {
    uint64_t entry = from ? from->tables[2][page] : first_entry(page);
    if (entry & W) {
      entry = (entry & ~(uint64_t)W) | COPY;
      set_later(&from->tables[2][page], entry);
    }
    hold(entry);
    process->tables[2][page] = entry;
  }
  begin_tables(process->tables);
}

// Nobody may be in it any more.
static void end_space(struct process *process) {
  for (uint64_t page = 0; page < PROGRAM_PAGES; page++) {
    let_go(process->tables[2][page]);
  }
  end_tables(process->tables);
  for (int i = 0; i < 3; i++) {
    uses[((uint64_t)process->tables[i] - pool) / PAGE_SIZE] = 0;
  }
}

static void start_at(struct process *process, uint64_t pc, uint64_t argument) {
  for (int i = 1; i < 32; i++) {
    process->frame.x[i] = 0;
  }
  process->frame.x[2] = PROGRAM_START + PROGRAM_PAGES * PAGE_SIZE;
  process->frame.x[10] = argument;
  process->frame.pc = pc;
}

// Whether the access can be repeated.
static bool handle_program_fault(struct process *process, uint64_t address, bool write) {
  uint64_t page = (address - PROGRAM_START) / PAGE_SIZE;
  if (address < PROGRAM_START || page >= PROGRAM_PAGES) {
    return false;
  }
  uint64_t entry = process->tables[2][page];
  if (!(entry & V) && page >= FIRST_MEMORY_PAGE) {
    uint64_t frame = take_frame();
    fill(frame, 0);
    entry = frame >> 12 << 10 | R | W | U | V | A | D;
  } else if (write && entry & COPY) {
    uint8_t *use = use_of(entry);
    if (!use || *use > 1) {
      uint64_t copy = take_frame();
      fill(copy, (uint64_t *)(entry >> 10 << 12));
      let_go(entry);
      entry = copy >> 12 << 10 | (entry & 1023);
    }
    entry = (entry & ~COPY) | W;
  } else {
    return false;
  }
  set_entry(&process->tables[2][page], entry);
  forget_page(address);
  return true;
}

// ---- system calls: which process goes on ----

static struct process *after(struct process *at) {
  for (int i = 1; i <= PROCESSES; i++) {
    struct process *next = &processes[(at - processes + i) % PROCESSES];
    if (next->state == READY) {
      return next;
    }
  }
  return 0;
}

static struct process *fork(struct process *parent) {
  struct process *child = processes;
  while (child < processes + PROCESSES && child->state != FREE) {
    child++;
  }
  if (child == processes + PROCESSES) {
    parent->frame.x[10] = -1ul;
    return parent;
  }
  for (int i = 1; i < 32; i++) {
    child->frame.x[i] = parent->frame.x[i];
  }
  child->frame.pc = parent->frame.pc;
  child->frame.x[10] = 0;
  parent->frame.x[10] = 1;
  child->state = READY;
  child->parent = parent;
  make_space(child, parent);
  return child;
}

static void execute(struct process *process, uint64_t pc, uint64_t argument) {
  for (uint64_t page = 0; page < PROGRAM_PAGES; page++) {
    uint64_t entry = process->tables[2][page];
    if (entry != first_entry(page)) {
      let_go(entry);
      set_later(&process->tables[2][page], first_entry(page));
    }
  }
  settle();
  start_at(process, pc, argument);
}

static struct process *wait(struct process *process) {
  for (struct process *child = processes; child < processes + PROCESSES; child++) {
    if (child->parent == process && child->state == ENDED) {
      child->state = FREE;
      process->frame.x[10] = child->status;
      return process;
    }
  }
  process->state = WAITING;
  return after(process);
}

static void end(struct process *process, uint64_t status) {
  struct process *parent = process->parent;
  process->state = ENDED;
  process->status = status;
  if (parent && parent->state == WAITING) {
    process->state = FREE;
    parent->frame.x[10] = status;
    parent->state = READY;
  }
}

static uint64_t send(struct pipe *pipe, uint8_t byte) {
  for (struct process *each = processes; each < processes + PROCESSES; each++) {
    if (each->state == RECEIVING && pipe == &pipes[each->pipe]) {
      each->frame.x[10] = byte;
      each->state = READY;
      return 0;
    }
  }
  if (pipe->put - pipe->taken == PIPE_SIZE) {
    return -1ul;
  }
  pipe->bytes[pipe->put++ % PIPE_SIZE] = byte;
  return 0;
}

static struct process *receive(struct process *process, uint64_t number) {
  struct pipe *pipe = &pipes[number];
  if (pipe->put != pipe->taken) {
    process->frame.x[10] = pipe->bytes[pipe->taken++ % PIPE_SIZE];
    return process;
  }
  process->pipe = number;
  process->state = RECEIVING;
  return after(process);
}

// Does what a process asks for; who goes on, null when nobody can.
static struct process *serve(struct process *process) {
  uint64_t *x = process->frame.x, number = x[17], first = x[10];
  process->frame.pc += 4;
  switch (number) {
    case CALL_YIELD:
      x[10] = 0;
      return after(process);
    case CALL_END:
      end(process, first);
      return after(process);
    case CALL_FORK:
      return fork(process);
    case CALL_WAIT:
      return wait(process);
    case CALL_EXEC:
      execute(process, first, x[11]);
      return process;
    case CALL_SEND:
      x[10] = send(&pipes[first % PIPES], (uint8_t)x[11]);
      return process;
    case CALL_RECEIVE:
      return receive(process, first % PIPES);
    default:
      x[10] = 0;
      return process;
  }
}

static bool make_pool(void) {
  if (pool == 0 && free_frames() > POOL + 8) {
    pool = take_zeroed_frame();
    for (uint64_t i = 1; i < POOL; i++) {
      take_zeroed_frame();  // the next one behind it
    }
  }
  return pool != 0;
}

bool run_program(void (*program)(uint64_t times), uint64_t count, uint64_t times) {
  if (!make_pool()) {
    return false;
  }
  for (uint64_t i = 0; i < PIPES; i++) {
    pipes[i].put = pipes[i].taken = 0;
  }
  for (uint64_t i = 0; i < count; i++) {
    processes[i].state = READY;
    processes[i].parent = 0;
    make_space(&processes[i], 0);
    start_at(&processes[i], PROGRAM_START + (uint64_t)program - (uint64_t)user_text, times);
  }
  interrupts_off();
  struct process *at = processes;
  use_root(at->tables[0]);
  settle();
  while (at) {
    go_on(&at->frame);
    uint64_t cause = trap_cause();
    if (cause == CALL_FROM_PROGRAM) {
      struct process *next = serve(at);
      if (next != at) {
        use_root(next ? next->tables[0] : kernel_root());
        if (at->state == ENDED || at->state == FREE) {
          end_space(at);
        }
        settle();
        at = next;
      }
    } else if ((cause != LOAD_PAGE_FAULT && cause != STORE_PAGE_FAULT) ||
               !handle_program_fault(at, trap_value(), cause == STORE_PAGE_FAULT)) {
      take_trap(&at->frame);
    }
  }
  interrupts_on();
  bool well = true;
  for (struct process *each = processes; each < processes + PROCESSES; each++) {
    well &= each->state == FREE || (each->state == ENDED && each->status == 0);
    if (each->state == WAITING || each->state == RECEIVING) {
      end_space(each);  // nobody will ever wake it
    }
    each->state = FREE;
  }
  settle();
  return well;
}
