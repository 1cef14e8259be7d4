#include "bare.h"
  li t0, 0x100000
  li t1, 0x73333
  sw t1, 0(t0)
1: j 1b
