// The platform-level interrupt controller: many devices, one external interrupt line to the hart.
// Source: RISC-V PLIC Specification 1.0.0, and the addresses of QEMU's `virt` machine.
#include "nano.h"

#define PLIC 0x0c000000ul

// Each hart has two contexts, one for machine mode and, after it, one for supervisor mode.
static uint64_t context;

static volatile uint32_t *plic_register(uint64_t offset) {
  return (volatile uint32_t *)(PLIC + offset);
}

static volatile uint32_t *claim(void) { return plic_register(0x200004 + 0x1000 * context); }

void start_plic(uint64_t hart) {
  context = 2 * hart + 1;
  *plic_register(0x200000 + 0x1000 * context) = 0;  // threshold: let all priorities pass
  enable_interrupt(UART_IRQ);
}

// For sources below 32: their bits are in the first word.
void enable_interrupt(uint32_t source) {
  *plic_register(4 * source) = 1;                           // priority: above 0, which is "never"
  *plic_register(0x2000 + 0x80 * context) |= 1u << source;  // enabled for this context
}

// Claiming takes the most urgent pending source; completing lets it interrupt again.
void take_external_interrupt(void) {
  for (uint32_t source; (source = *claim()) != 0; *claim() = source) {
    if (!take_disk_interrupt(source) && source == UART_IRQ) {
      take_uart_interrupt();
    }
  }
}

// The low two bits of the address are 0: "direct", one entry for all causes.
void set_trap_entry(void) { write_csr(stvec, trap_entry); }
