// The machine timer and software interrupts, awaited with wfi.
#include "bare.h"
  expect 1f
  li t0, 0x2004000
  li t1, 0x200bff8
  ld t2, 0(t1)
  addi t2, t2, 100
  sd t2, 0(t0)
  li t3, 0x80
  csrw mie, t3
  csrsi mstatus, 8
2:
  wfi
  j 2b
1:
  andi a0, s10, 63
  check a0, 7
  li t2, -1
  sd t2, 0(t0)
  expect 1f
  li t0, 0x2000000
  li t2, 1
  sw t2, 0(t0)
  li t3, 8
  csrw mie, t3
  csrsi mstatus, 8
2:
  wfi
  j 2b
1:
  andi a0, s10, 63
  check a0, 3
  sw zero, 0(t0)
  j passed
