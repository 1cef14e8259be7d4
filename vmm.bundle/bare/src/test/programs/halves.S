// Words in two halves, written one after the other; and an end that changes what it says when it is not heard at once.
#include "bare.h"
  la t0, tohost
  li t2, 0x01010000
  .macro letter which
  li t1, \which
  sw t1, 0(t0)
  sw t2, 4(t0)
  .endm
  letter 'A'
  letter 'B'
  letter 'C'
  li a0, 5
1:
  slli a1, a0, 1
  ori a1, a1, 1
  sw a1, 0(t0)
  sw zero, 4(t0)
  addi a0, a0, 1
  j 1b
