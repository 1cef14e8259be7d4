#include "bare.h"
  li t0, 0x40000000
  csrw mtvec, t0
  unimp
