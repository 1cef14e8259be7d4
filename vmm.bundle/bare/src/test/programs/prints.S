// A character through HTIF, one through the serial port, and a request to write.
#include "bare.h"
  la t0, tohost
  la t1, fromhost
  li t2, 0x0101000000000041
  sd t2, 0(t0)
1:
  ld t3, 0(t1) // answered
  beqz t3, 1b
  sd zero, 0(t1)
  li t2, 0x10000000
  li t3, 'B'
  sb t3, 0(t2)
  la t2, request
  la t3, text
  sd t3, 16(t2)
  sd t2, 0(t0)
1:
  ld t3, 0(t1)
  beqz t3, 1b
  ld a0, 0(t2)
  check a0, 3
  j passed
  .data
text: .ascii "CD\n"
  .balign 64
request: .dword 64, 1, 0, 3, 0, 0, 0, 0
