// Physical memory protection: what S and U may do without an entry, with TOR and NAPOT, locked entries, granularity.
#include "bare.h"
  // Nothing matches: S may not even fetch.
  expect 1f
  enter 1, 1f
1:
  check s10, 1
  // Granularity is four bytes: all bits of an address are there.
  li t0, -1
  csrw pmpaddr7, t0
  csrr a0, pmpaddr7
  check a0, 0x003fffffffffffff
  csrw pmpaddr7, zero
  // W without R is reserved.
  csrwi pmpcfg0, 2
  csrr a0, pmpcfg0
  check a0, 0
  csrwi pmpcfg0, 0x11
  csrr a0, pmpcfg0
  check a0, 0x11
  // NA4: the second word of the page may be read by S, and nothing else of the page.
  csrw pmpcfg0, zero
  la s0, page
  srli t0, s0, 2
  addi t1, t0, 1
  csrw pmpaddr0, t1
  ori t1, t0, 0x1ff
  csrw pmpaddr1, t1
  li t1, -1
  csrw pmpaddr2, t1
  li t0, 0x1f1811
  csrw pmpcfg0, t0
  expect 2f
  enter 1, 1f
1:
  lw a0, 4(s0)
  lw a0, 8(s0)
  j failed
2:
  check s10, 5
  addi t0, s0, 8
  bne s9, t0, failed
  // An access that has a part of an area fails, in M, too; one that has none does not.
  expect 2f
  ld a0, 8(s0)
  ld a0, 0(s0)
  j failed
2:
  check s10, 5
  bne s9, s0, failed
  // One instruction may be fetched, the one behind it not.
  la t0, page
  li t1, 0x00000013
  sw t1, 4(t0)
  sw t1, 8(t0)
  fence.i
  csrw pmpcfg0, zero
  li t0, 0x1f1814
  csrw pmpcfg0, t0
  expect 2f
  li t6, 3 << 11
  csrc mstatus, t6
  li t6, 1 << 11
  csrs mstatus, t6
  addi t6, s0, 4
  csrw mepc, t6
  mret
2:
  check s10, 1
  addi t0, s0, 8
  bne s9, t0, failed
  // Entry 0: one page read-only (NAPOT); entries 1 and 2: everything (TOR from 0).
  csrw pmpcfg0, zero
  la t0, page
  srli t0, t0, 2
  ori t0, t0, 0x1ff
  csrw pmpaddr0, t0
  csrw pmpaddr1, zero
  li t0, -1
  csrw pmpaddr2, t0
  li t0, 0x0f0019
  csrw pmpcfg0, t0
  la s0, page
  expect 2f
  enter 1, 1f
1:
  ld a0, 0(s0)
  li t0, 4096
  add s1, s0, t0
  sd zero, 0(s1) // the page behind is another entry's
  sd zero, 0(s0)
  j failed
2:
  check s10, 7
  bne s9, s0, failed
  // A misaligned store across the border does nothing at all.
  expect 2f
  enter 1, 1f
1:
  li t0, -1
  addi s2, s1, -4
  sd t0, 0(s2)
  j failed
2:
  check s10, 7
  ld a0, 0(s1)
  check a0, 0
  // No fetch there, in U neither.
  expect 2f
  li t6, 3 << 11
  csrc mstatus, t6
  csrw mepc, s0
  mret
2:
  check s10, 1
  // M is not bound, but as S it is (MPRV).
  sd zero, 0(s0)
  expect 2f
  li t0, 3 << 11
  csrc mstatus, t0
  li t0, 1 << 17 | 1 << 11
  csrs mstatus, t0
  sd zero, 0(s0)
  j failed
2:
  check s10, 7
  // A page table that may not be read: an access fault of the access itself.
  li t0, 1 << 17
  csrc mstatus, t0
  csrwi pmpcfg0, 0x18
  li t0, 0x0f0018
  csrw pmpcfg0, t0
  srli t0, s0, 12
  li t1, 8 << 60
  or t0, t0, t1
  csrw satp, t0
  sfence.vma
  expect 2f
  li t0, 3 << 11
  csrc mstatus, t0
  li t0, 1 << 17 | 1 << 11
  csrs mstatus, t0
  ld a0, 0(s0)
  j failed
2:
  check s10, 5
  li t0, 1 << 17
  csrc mstatus, t0
  csrw satp, zero
  // Locked: holds in M, too, and cannot be changed.
  li t0, 0x0f0099
  csrw pmpcfg0, t0
  csrw pmpcfg0, zero
  csrr a0, pmpcfg0
  check a0, 0x99
  csrr s3, pmpaddr0
  csrw pmpaddr0, zero
  csrr a0, pmpaddr0
  bne a0, s3, failed
  expect 2f
  sd zero, 0(s0)
  j failed
2:
  check s10, 7
  ld a0, 0(s0)
  j passed
  .data
  .balign 4096
page: .space 8192
