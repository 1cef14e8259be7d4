// Four harts: each is called by its software interrupt and calls the next one; all add to counters at once; a timer of
// its own wakes the last one.
#include "bare.h"
  .equ HARTS, 4
  .equ ROUNDS, 5000
  csrr s0, mhartid
  li s1, 0x2000000
  slli t0, s0, 2
  add s2, s1, t0          // its msip
  la s3, counters
  li t0, 8
  csrw mie, t0
  beqz s0, 2f
1: wfi
  csrr t0, mip
  andi t0, t0, 8
  beqz t0, 1b
  sw zero, 0(s2)
2: addi s4, s0, 1
  li t0, HARTS
  beq s4, t0, 3f
  li t0, 1
  sw t0, 4(s2)
  j 5f
3: slli t0, s0, 3          // the last one sleeps for a millisecond
  li t1, 0x2004000
  add t1, t1, t0
  li t2, 0x200bff8
  ld t3, 0(t2)
  li t4, 10000
  add t3, t3, t4
  sd t3, 0(t1)
  li t0, 0x80
  csrw mie, t0
4: wfi
  csrr t0, mip
  andi t0, t0, 0x80
  beqz t0, 4b
  li t0, -1
  sd t0, 0(t1)
5: li t0, ROUNDS
  li t1, 1
  addi t3, s3, 64
6: amoadd.d zero, t1, (s3)
7: lr.w t2, (t3)
  addi t2, t2, 1
  sc.w t4, t2, (t3)
  bnez t4, 7b
  addi t0, t0, -1
  bnez t0, 6b
  fence rw, rw
  addi t3, s3, 128
  amoadd.d.aqrl zero, t1, (t3)
  bnez s0, 9f
8: ld t0, 128(s3)
  li t1, HARTS
  bne t0, t1, 8b
  fence rw, rw
  ld t0, 0(s3)
  check t0, HARTS * ROUNDS
  lw t0, 64(s3)
  check t0, HARTS * ROUNDS
  lw t0, 0(s1)
  check t0, 0
  j passed
9: wfi
  j 9b

  .data
  .balign 64
counters:
  .zero 192
