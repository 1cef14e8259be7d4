// Cache block operations: what they do, who may, and how they fault.
#include "bare.h"
  .option arch, +zicbom, +zicboz
  la s0, block
  li t0, -1
  sd t0, -8(s0)
  sd t0, 0(s0)
  sd t0, 56(s0)
  sd t0, 64(s0)
  addi t1, s0, 17
  cbo.zero (t1)
  ld a0, -8(s0)
  check a0, -1
  ld a0, 0(s0)
  check a0, 0
  ld a0, 56(s0)
  check a0, 0
  ld a0, 64(s0)
  check a0, -1
  cbo.clean (s0)
  cbo.flush (s0)
  cbo.inval (s0)
  // Where nothing is: a store fault, with the address as given.
  expect 1f
  li t0, 0x40
  cbo.clean (t0)
  j failed
1:
  check s10, 7
  check s9, 0x40
  // Below M only as menvcfg allows, in U as senvcfg allows, too.
  li t0, -1
  csrw pmpaddr0, t0
  csrwi pmpcfg0, 0x1f
  csrw menvcfg, zero
  expect 1f
  enter 1, 2f
2:
  cbo.zero (s0)
  j failed
1:
  check s10, 2
  li t0, 0xf1
  csrw menvcfg, t0
  csrr a0, menvcfg
  check a0, 0xf1
  csrw senvcfg, zero
  expect 1f
  enter 1, 2f
2:
  cbo.zero (s0)
  cbo.flush (s0)
  cbo.inval (s0)
  ebreak
1:
  check s10, 3
  expect 1f
  enter 0, 2f
2:
  cbo.zero (s0)
1:
  check s10, 2
  li t0, 0x80
  csrw senvcfg, t0
  expect 1f
  enter 0, 2f
2:
  cbo.zero (s0)
  cbo.flush (s0)
1:
  check s10, 2
  li t0, 0x40
  csrw senvcfg, t0
  expect 1f
  enter 0, 2f
2:
  cbo.flush (s0)
  cbo.inval (s0)
1:
  check s10, 2
  j passed
  .data
  .dword 0
  .balign 64
  .space 64
block: .space 128
