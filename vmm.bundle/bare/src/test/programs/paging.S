// Sv39, Sv48 and Sv57 with the same mapping: a page at one address, through as many tables as the mode has.
// Then pages of 64 KiB (Svnapot), memory types (Svpbmt), and A and D left to software.
#include "bare.h"
  li s3, 8
  la s0, tables
  la s1, page
  li t0, -1
  csrw pmpaddr0, t0
  csrwi pmpcfg0, 0x1f
mode:
  // Every table leads to the next by its entry 1, the last one to the page.
  mv t0, s0
  addi t1, s3, -6
1:
  li t2, PAGE
  add t2, t0, t2
  srli t3, t2, 2
  ori t3, t3, 1
  sd t3, 8(t0)
  mv t0, t2
  addi t1, t1, -1
  bnez t1, 1b
  srli t3, s1, 2
  ori t3, t3, 0x17 // V R W U
  sd t3, 8(t0)
  mv s4, t0
  slli t0, s3, 60
  srli t1, s0, 12
  or t0, t0, t1
  csrw satp, t0
  csrr t1, satp
  bne t0, t1, failed
  sfence.vma
  // Its address has the index 1 at each level.
  li s2, 0
  addi t1, s3, -5
1:
  slli s2, s2, 9
  addi s2, s2, 1
  addi t1, t1, -1
  bnez t1, 1b
  slli s2, s2, 12
  li t0, 3 << 11
  csrc mstatus, t0
  li t0, 1 << 17 // as U
  csrs mstatus, t0
  expect failed
  li t2, 77
  sd t2, 16(s2)
  ld a0, 16(s2)
  // The bit above is no part of the address: it has to be a copy.
  expect 2f
  addi t1, s3, -4
  li t2, 9
  mul t1, t1, t2
  addi t1, t1, 2
  bset t2, s2, t1
  ld a1, 0(t2)
  j failed
2:
  check s10, 13
  bne s9, t2, failed
  li t0, 1 << 17
  csrc mstatus, t0
  check a0, 77
  ld a0, 16(s1)
  check a0, 77
  ld a0, 8(s4)
  andi a0, a0, 0xc0
  check a0, 0xc0 // set by hardware
  addi s3, s3, 1
  li t0, 11
  bne s3, t0, mode
  csrw satp, zero

  // Without menvcfg.ADUE that is the software's work.
  bseti t0, zero, 61
  csrc menvcfg, t0
  csrr a0, menvcfg
  and a0, a0, t0
  check a0, 0
  srli t3, s1, 2
  ori t3, t3, 0x17
  sd t3, 8(s4)
  li t0, 10 << 60
  srli t1, s0, 12
  or t0, t0, t1
  csrw satp, t0
  sfence.vma
  li t0, 1 << 17
  expect 2f
  li t1, 3 << 11
  csrc mstatus, t1
  csrs mstatus, t0
  ld a0, 0(s2)
  j failed
2:
  csrc mstatus, t0
  check s10, 13
  ori t3, t3, 0x40
  sd t3, 8(s4)
  sfence.vma
  expect 2f
  li t1, 3 << 11
  csrc mstatus, t1
  csrs mstatus, t0
  ld a0, 0(s2)
  sd a0, 0(s2)
  j failed
2:
  csrc mstatus, t0
  check s10, 15
  bseti t0, zero, 61
  csrs menvcfg, t0

  // A memory type is reserved before menvcfg.PBMTE, 3 always.
  li s5, 0
types:
  la t1, expected
  sh3add t1, s5, t1
  ld s6, 0(t1)
  ori t3, t3, 0xc0
  bclri t3, t3, 61
  bclri t3, t3, 62
  andi t1, s5, 3
  slli t1, t1, 61
  or t4, t3, t1
  sd t4, 8(s4)
  bseti t0, zero, 62
  csrc menvcfg, t0
  slli t1, s5, 60
  and t1, t1, t0
  csrs menvcfg, t1
  sfence.vma
  li t0, 1 << 17
  expect 2f
  li t1, 3 << 11
  csrc mstatus, t1
  csrs mstatus, t0
  ld a0, 0(s2)
2:
  csrc mstatus, t0
  addi s11, s11, 1
  bne s10, s6, failed
  addi s5, s5, 1
  li t0, 8
  bne s5, t0, types

  // 64 KiB at once: the low four bits of the page number come from the address.
  la t0, large
  srli t0, t0, 12
  ori t0, t0, 8
  slli t0, t0, 10
  ori t0, t0, 0xd7
  bseti t0, t0, 63
  sd t0, 8(s4)
  sfence.vma
  li t0, 1 << 17
  li t1, 3 << 11
  csrc mstatus, t1
  expect failed
  csrs mstatus, t0
  li t2, 99
  sd t2, 24(s2) // page 1 of the sixteen
  csrc mstatus, t0
  la t1, large + PAGE
  ld a0, 24(t1)
  check a0, 99
  // Any other encoding is reserved.
  ld t0, 8(s4)
  xori t0, t0, 1 << 10
  sd t0, 8(s4)
  sfence.vma
  li t0, 1 << 17
  expect 2f
  li t1, 3 << 11
  csrc mstatus, t1
  csrs mstatus, t0
  ld a0, 0(s2)
  j failed
2:
  csrc mstatus, t0
  check s10, 13
  j passed
  .data
expected: .dword -1, 13, 13, 13, -1, -1, -1, 13
  .balign 65536
large: .space 65536
tables: .space 5 * PAGE
page: .space PAGE
