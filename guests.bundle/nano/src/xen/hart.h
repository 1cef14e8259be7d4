// The registers and instructions of a kernel in the inner ring of vmm.xen: those of the draft
// extension N for user-level interrupts, because it runs in user mode.
#pragma once

#define CSR_STATUS 0x000   // ustatus
#define CSR_SCRATCH 0x040  // uscratch
#define CSR_PC 0x041       // uepc
#define INTERRUPTS_ON 1    // UIE
#define RETURN .word 0x00200073
#define LARGE_PAGES 0

#ifndef __ASSEMBLER__
#define read_csr(name) \
  ({ uint64_t value_; __asm__ volatile("csrr %0, " #name : "=r"(value_)); value_; })
#define write_csr(name, value) \
  __asm__ volatile("csrw " #name ", %0" : : "r"((uint64_t)(value)) : "memory")

void wait_for_interrupt(void);
static inline void interrupts_off(void) { __asm__ volatile("csrci 0x000, 1" : : : "memory"); }
static inline void interrupts_on(void) { __asm__ volatile("csrsi 0x000, 1" : : : "memory"); }
static inline uint64_t trap_cause(void) { return read_csr(0x042); }
static inline uint64_t trap_value(void) { return read_csr(0x043); }
#endif
