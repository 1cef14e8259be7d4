// Physical memory protection: what S and U may do without an entry, with TOR and NAPOT, locked entries, granularity.
#include "bare.h"
  // Nothing matches: S may not even fetch.
  expect 1f
  enter 1, 1f
1:
  check s10, 1
  // Granularity is 4 KiB: low address bits read as zero when off, as ones (but one) with NAPOT.
  li t0, -1
  csrw pmpaddr7, t0
  csrr a0, pmpaddr7
  check a0, 0x003ffffffffffc00
  li t0, 0x18 << 56
  csrs pmpcfg0, t0
  csrr a0, pmpaddr7
  check a0, 0x003fffffffffffff
  li t0, 0xff << 56
  csrc pmpcfg0, t0
  // W without R is reserved, NA4 cannot be chosen.
  csrwi pmpcfg0, 2
  csrr a0, pmpcfg0
  check a0, 0
  csrwi pmpcfg0, 0x11
  csrr a0, pmpcfg0
  check a0, 1
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
