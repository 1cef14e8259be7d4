// What the files of nano know about each other. See the file named in each heading for the why.
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#define PAGE_SIZE 4096ul
#define MIB (1024 * 1024ul)

#include "hart.h"

// devicetree.c: what the monitor says about the machine.
struct machine {
  uint64_t memory_base;
  uint64_t memory_size;
  uint64_t timebase_hz;  // what one second is in ticks of the `time` register
  uint64_t rtc_base;     // the wall clock, or 0 when the machine has none
  bool has_sstc;         // this hart has a timer of its own (the stimecmp register)
  uint64_t virtio_base[8];
  uint32_t virtio_irq[8];
  uint32_t virtio_count;
};
extern struct machine machine;
void read_device_tree(const void *tree, uint64_t hart);
void map_devices(void);  // where their registers are

// sbi.c: calls into the monitor (or firmware) below.
#define SBI_BASE 0x10
#define SBI_TIME 0x54494d45
#define SBI_SRST 0x53525354
#define SBI_DBCN 0x4442434e
uint64_t sbi_version(void);
bool sbi_offers(uint64_t extension);
void sbi_set_timer(uint64_t when);
_Noreturn void sbi_shut_down(bool failed);
_Noreturn void sbi_reboot(void);
bool open_gate(bool open);  // for calls of programs, beside the monitor; whether there is such a thing
bool give_pages(uint64_t first, uint64_t count);       // to the monitor; whether it has taken them
bool take_pages_back(uint64_t first, uint64_t count);

// paging.c: how page tables are changed, and which of them is in use.
uint64_t *new_table(void);                                       // empty
void set_entry(uint64_t *entry, uint64_t value);
void set_entries(uint64_t *first, uint64_t value, uint64_t count);  // several in a row, alike
void set_later(uint64_t *entry, uint64_t value);                 // by the time of the next settle
void begin_tables(uint64_t *const tables[3]);  // a root and what is below it: memory until then
void end_tables(uint64_t *const tables[3]);    // by the next settle they are memory again
bool set_batch(uint64_t most);  // entries that are asked for at once; whether anybody is asked
void protect_tables(uint64_t start, uint64_t end);               // before the first one is used
void use_root(const uint64_t *root);                             // by the next settle
void forget_page(uint64_t address);                              // an entry allows more than before
void settle(void);              // all that was changed is so, and the hart knows

// memory.c: page tables, frames, and the heap that appears when it is touched.
// A and D of an entry ("accessed", "dirty") are set from the start: nano does not use them, and
// hardware may fault instead of setting them itself.
enum { V = 1, R = 2, W = 4, X = 8, U = 16, A = 64, D = 128 };
uint64_t take_zeroed_frame(void);
uint64_t *entry_for(uint64_t *root, uint64_t address, int level);
void map_to_itself(uint64_t start, uint64_t end, uint64_t rights);
uint64_t *kernel_root(void);
void turn_on_paging(void);
bool handle_heap_fault(uint64_t address);
volatile uint64_t *grow_heap(uint64_t pages);  // null when there are not so many frames
uint64_t fault_count(void);
uint64_t free_frames(void);
bool map_and_forget(uint64_t pages);
bool balloon(uint64_t pages);                  // gives the last frames to the monitor
bool deflate(uint64_t *pages, bool *all_zero);  // has all of them back: how many, and how they are

// trap.c: one entry for interrupts and exceptions.
struct trap_frame {
  uint64_t x[32];  // x[0] is unused
  uint64_t pc;
  uint64_t kernel_stack;  // of a program: where the kernel's is while it runs
};
void take_trap(struct trap_frame *frame);
extern char trap_entry[];
void set_trap_entry(void);  // there traps begin

// processes.c: user mode, system calls, address spaces.
#define PROGRAM_START 0x2000000000ul
enum { IMAGE_PAGES = 4, MEMORY_PAGES = 16, FIRST_MEMORY_PAGE = 1 + IMAGE_PAGES };
enum { PROGRAM_PAGES = FIRST_MEMORY_PAGE + MEMORY_PAGES };
enum {
  CALL_NOTHING = 0, CALL_YIELD = 1, CALL_END = 2, CALL_FORK = 3, CALL_WAIT = 4,
  CALL_EXEC = 5,    // begins anew at (address, argument)
  CALL_SEND = 6,    // to (pipe, byte); -1 when it is full
  CALL_RECEIVE = 7  // from (pipe), when there is something
};
void go_on(struct trap_frame *program);  // until its next trap; in entry.S
// So many processes with that program; whether all that there were ended with status 0.
bool run_program(void (*program)(uint64_t times), uint64_t count, uint64_t times);

// programs.c: what they do.
void null_program(uint64_t times);
void yield_program(uint64_t times);
void fork_program(uint64_t times);
void exec_program(uint64_t times);
void pipe_program(uint64_t times);

// clock.c: the timer tick and the time.
#define TICKS_PER_SECOND 100
void start_clock(void);
void take_timer_interrupt(void);
uint64_t tick_count(void);
uint64_t now(void);  // in timebase ticks
uint64_t to_nanos(uint64_t timebase_ticks);
uint64_t wall_clock_nanos(void);  // since 1970; 0 when there is no wall clock; in rtc.c

// plic.c: which device wants attention.
#define UART_IRQ 10
void start_plic(uint64_t hart);
void enable_interrupt(uint32_t source);
void take_external_interrupt(void);

// uart.c: the console.
void start_uart(void);
void take_uart_interrupt(void);
void put_char(char c);
char get_char(void);  // sleeps until there is one

// disk.c: a virtio block device, if there is one.
enum { DISK_READ = 0, DISK_WRITE = 1, DISK_FLUSH = 4, SECTOR_SIZE = 512 };
void start_disk(void);
uint64_t disk_sectors(void);                 // 0 when there is no disk
bool take_disk_interrupt(uint32_t source);   // whether it was the disk's
uint32_t disk_request(uint32_t type, uint64_t sector, void *data, uint32_t length);  // 0: done

// print.c: text.
void print(const char *format, ...);  // %s %c %u (decimal) %x (hexadecimal), all 64 bits wide
bool same(const char *a, const char *b);
bool parse_number(const char *text, uint64_t *value);

// shell.c: the commands.
_Noreturn void run_shell(void);
