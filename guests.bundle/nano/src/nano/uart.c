// The console: a 16550A serial port. Output waits for the device, input comes by interrupt.
#include "nano.h"

#define UART ((volatile uint8_t *)0x10000000ul)
enum { DATA = 0, INTERRUPT_ENABLE = 1, FIFO_CONTROL = 2, LINE_CONTROL = 3, MODEM_CONTROL = 4 };
enum { LINE_STATUS = 5, RECEIVED = 1, CAN_SEND = 32 };

// Characters that have arrived and are not read yet. The two counters only grow; the interrupt
// handler alone writes one and get_char alone the other, so they need no lock.
#define INPUT_SIZE 256
static char input[INPUT_SIZE];
static volatile uint32_t arrived;
static volatile uint32_t taken;

void start_uart(void) {
  UART[INTERRUPT_ENABLE] = 0;
  UART[LINE_CONTROL] = 3;     // eight bits, no parity, one stop bit
  UART[FIFO_CONTROL] = 1;     // use the FIFOs
  UART[MODEM_CONTROL] = 0xb;  // ready, and the switch that lets interrupts out
  UART[INTERRUPT_ENABLE] = RECEIVED;
}

// When the buffer is full the port's interrupt is turned off: what is still coming waits in the
// port (and, in the end, at the sender) instead of being lost.
void take_uart_interrupt(void) {
  while (UART[LINE_STATUS] & RECEIVED) {
    if (arrived - taken == INPUT_SIZE) {
      UART[INTERRUPT_ENABLE] = 0;
      return;
    }
    input[arrived % INPUT_SIZE] = (char)UART[DATA];
    arrived++;
  }
}

char get_char(void) {
  // Interrupts stay off between looking and sleeping, or the one we wait for could slip in between.
  // A pending interrupt ends wfi also when it is not taken.
  interrupts_off();
  while (arrived == taken) {
    wait_for_interrupt();
    interrupts_on();
    interrupts_off();
  }
  char c = input[taken % INPUT_SIZE];
  taken++;
  UART[INTERRUPT_ENABLE] = RECEIVED;
  interrupts_on();
  return c;
}

void put_char(char c) {
  if (c == '\n') {
    put_char('\r');  // a terminal on a serial line moves down only
  }
  while (!(UART[LINE_STATUS] & CAN_SEND)) {
  }
  UART[DATA] = (uint8_t)c;
}
