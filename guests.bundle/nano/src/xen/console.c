// The console: the front half of a split driver. Two rings of bytes in one page, and counters that
// only grow.
#include "xen.h"

enum { INPUT_SIZE = 1024, OUTPUT_SIZE = 2048 };

static volatile struct {
  uint32_t input_taken, input_put, output_taken, output_put;
  uint8_t pad[1008], input[INPUT_SIZE], output[OUTPUT_SIZE];
} __attribute__((aligned(4096))) ring;

static uint64_t port;
static uint32_t told;  // what the other half has heard of

void start_uart(void) {
  port = bind_driver(CONSOLE_DRIVER);
  hypercall(DRIVERS, DRIVERS_CONNECT, CONSOLE_DRIVER, lend_page(CONSOLE_DRIVER, &ring), 0);
}

// Tells the other half what there is to print.
void console_event(void) {
  if (told != ring.output_put) {
    told = ring.output_put;
    hypercall(EVENTS, EVENTS_SEND, port, 0, 0);
  }
}

char get_char(void) {
  console_event();
  interrupts_off();
  while (ring.input_put == ring.input_taken) {
    wait_for_interrupt();
    interrupts_on();
    interrupts_off();
  }
  bool full = ring.input_put - ring.input_taken == INPUT_SIZE;
  char c = (char)ring.input[ring.input_taken % INPUT_SIZE];
  ring.input_taken++;
  interrupts_on();
  if (full) {
    hypercall(EVENTS, EVENTS_SEND, port, 0, 0);  // there is room again
  }
  return c;
}

void put_char(char c) {
  if (c == '\n') {
    put_char('\r');  // a terminal on a serial line moves down only
  }
  while (ring.output_put - ring.output_taken == OUTPUT_SIZE) {
    console_event();
    hypercall(SCHEDULE, SCHEDULE_YIELD, 0, 0, 0);
  }
  ring.output[ring.output_put % OUTPUT_SIZE] = (uint8_t)c;
  __asm__ volatile("fence rw, rw" : : : "memory");
  ring.output_put++;
  if (c == '\n') {
    console_event();
  }
}
