// The hart's own registers and instructions: what a kernel that runs elsewhere has other ones for.
// Source: RISC-V Privileged Architecture 1.12, section 4.1.
#pragma once

#define CSR_STATUS 0x100   // sstatus
#define CSR_SCRATCH 0x140  // sscratch
#define CSR_PC 0x141       // sepc
#define INTERRUPTS_ON 2    // SIE
#define RETURN sret
#define LARGE_PAGES 1      // page tables may have entries of 2 MiB

#ifndef __ASSEMBLER__
#define read_csr(name) \
  ({ uint64_t value_; __asm__ volatile("csrr %0, " #name : "=r"(value_)); value_; })
#define write_csr(name, value) \
  __asm__ volatile("csrw " #name ", %0" : : "r"((uint64_t)(value)) : "memory")
#define set_csr(name, bits) \
  __asm__ volatile("csrs " #name ", %0" : : "r"((uint64_t)(bits)) : "memory")
#define clear_csr(name, bits) \
  __asm__ volatile("csrc " #name ", %0" : : "r"((uint64_t)(bits)) : "memory")

#define SIE_TIMER (1ul << 5)
#define SIE_EXTERNAL (1ul << 9)

static inline void interrupts_off(void) { clear_csr(sstatus, INTERRUPTS_ON); }
static inline void interrupts_on(void) { set_csr(sstatus, INTERRUPTS_ON); }
static inline void wait_for_interrupt(void) { __asm__ volatile("wfi" : : : "memory"); }
static inline uint64_t trap_cause(void) { return read_csr(scause); }
static inline uint64_t trap_value(void) { return read_csr(stval); }
#endif
