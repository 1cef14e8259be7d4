// Programs: what runs in user mode, in an address space of its own that has the kernel in it as well.
// There are two of them, made once, which do nothing but call the kernel.
#include "nano.h"

#define PROGRAM_START 0x2000000000ul
enum { CALL_FROM_PROGRAM = 8, PROGRAMS = 2 };

extern char program_text[], program_text_end[];

static struct program {
  struct trap_frame frame;
  uint64_t *root;  // null before it was made
  bool ended;
} programs[PROGRAMS];

static bool make_space(struct program *program) {
  if (free_frames() < 8) {
    return false;
  }
  uint64_t frame = take_zeroed_frame();
  for (char *from = program_text, *to = (char *)frame; from < program_text_end;) {
    *to++ = *from++;
  }
  __asm__ volatile(".word 0x0000100f" : : : "memory");  // fence.i
  program->root = new_root(kernel_root());
  set_entry(entry_for(program->root, PROGRAM_START, 0),
            frame >> 12 << 10 | R | X | U | V | A | D);
  return true;
}

// The next one that goes on, in turn; they are alike.
static uint64_t after(uint64_t at, uint64_t count) {
  for (uint64_t i = 1; i <= count; i++) {
    uint64_t next = (at + i) % count;
    if (!programs[next].ended) {
      return next;
    }
  }
  return at;
}

bool run_programs(uint64_t count, uint64_t call, uint64_t times) {
  for (uint64_t i = 0; i < count; i++) {
    if (programs[i].root == 0 && !make_space(&programs[i])) {
      return false;
    }
    programs[i].frame.pc = PROGRAM_START;
    programs[i].frame.x[8] = call;
    programs[i].frame.x[9] = times;
    programs[i].ended = false;
  }
  interrupts_off();
  use_root(programs[0].root);
  for (uint64_t at = 0, left = count; left > 0;) {
    struct trap_frame *frame = &programs[at].frame;
    run_program(frame);
    if (trap_cause() != CALL_FROM_PROGRAM) {
      take_trap(frame);
      continue;
    }
    frame->pc += 4;
    frame->x[10] = 0;
    uint64_t next = at;
    if (frame->x[17] == CALL_END) {
      programs[at].ended = true;
      left--;
      next = after(at, count);
    } else if (frame->x[17] == CALL_YIELD) {
      next = after(at, count);
    }
    if (next != at) {
      at = next;
      use_root(programs[at].root);
    }
  }
  use_root(kernel_root());
  interrupts_on();
  return true;
}
