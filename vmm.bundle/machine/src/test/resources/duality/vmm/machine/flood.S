# Guests that flood, in M-mode with nothing below them; KIND says with what. Each counts in memory and never ends by itself.
#   1 console: bytes into the serial port as fast as it takes them
#   2 registers: loads and stores of devices' registers
#   3 interrupts: that of the serial port stays pending, and its handler never asks why
#   4 calls: each hart interrupts the other one, by the core-local interruptor, again and again
#   5 resets: the machine begins anew as soon as it has begun
#   6 disk: a queue that is full of requests for ever, kicked all the time
#   7 timer: due as soon as it was taken
  .option norvc
  .option norelax
  .equ CLINT, 0x2000000
  .equ UART, 0x10000000
  .equ PLIC, 0xc000000
  .equ DISK, 0x10001000
  .equ FINISHER, 0x100000
  .globl _start
_start:
  csrr s0, mhartid
  li s1, CLINT
  li s2, UART
  li s3, 0x80100000      # what it has done
  li s4, DISK
  lla t0, trap
  csrw mtvec, t0
.if KIND == 1
1: li t0, 'x'
  sb t0, 0(s2)
  amoadd.d zero, t0, (s3)
  j 1b
.elseif KIND == 2
1: ld t0, 0x7f8(s1)
  lw t1, 0(s4)
  sw t1, 0x70(s4)
  lb t0, 5(s2)
  amoadd.d zero, t0, (s3)
  j 1b
.elseif KIND == 3
  li t0, PLIC
  li t1, 1
  sw t1, 40(t0)          # priority of source 10
  li t1, 1 << 10
  li t2, 0x2000
  add t2, t0, t2
  sw t1, 0(t2)           # for hart 0 in M-mode
  li t1, 2
  sb t1, 1(s2)           # the transmitter is empty
  li t1, 0x800
  csrw mie, t1
  csrsi mstatus, 8
1: j 1b
.elseif KIND == 4
  li t0, 8
  csrw mie, t0
  csrsi mstatus, 8
1: slli t0, s0, 2
  xori t0, t0, 4
  add t0, s1, t0
  li t1, 1
  sw t1, 0(t0)
  amoadd.d zero, t1, (s3)
  j 1b
.elseif KIND == 5
  li t0, 'r'
  sb t0, 0(s2)
  li t0, FINISHER
  li t1, 0x7777
  sw t1, 0(t0)
1: j 1b
.elseif KIND == 6
  li t0, 3
  sw t0, 0x70(s4)
  sw zero, 0x20(s4)
  li t0, 11
  sw t0, 0x70(s4)
  li t0, 64
  sw t0, 0x38(s4)
  li s5, 0x80200000      # descriptors
  sw s5, 0x80(s4)
  li s6, 0x80201000      # available
  sw s6, 0x90(s4)
  li s7, 0x80202000      # used
  sw s7, 0xa0(s4)
  li t0, 1
  sw t0, 0x44(s4)
  li t0, 15
  sw t0, 0x70(s4)
  # 21 requests of a header, 512 bytes to read and a status, all of the same places.
  li t1, 0
2: slli t2, t1, 4
  add t2, s5, t2
  li t3, 0x80300000      # zero: read sector 0
  sd t3, 0(t2)
  li t3, 16
  sw t3, 8(t2)
  li t3, 1
  sh t3, 12(t2)
  addi t4, t1, 1
  sh t4, 14(t2)
  li t3, 0x80301000
  sd t3, 16(t2)
  li t3, 512
  sw t3, 24(t2)
  li t3, 3
  sh t3, 28(t2)
  addi t4, t1, 2
  sh t4, 30(t2)
  li t3, 0x80302000
  sd t3, 32(t2)
  li t3, 1
  sw t3, 40(t2)
  li t3, 2
  sh t3, 44(t2)
  addi t1, t1, 3
  li t4, 63
  bltu t1, t4, 2b
  li s8, 0               # how many were offered
  li s10, 0              # how many came back
  li t1, 0
3: slli t0, s8, 1
  add t0, s6, t0
  sh t1, 4(t0)
  addi s8, s8, 1
  addi t1, t1, 3
  li t4, 63
  bltu t1, t4, 3b
  fence rw, rw
  sh s8, 2(s6)
4: sw zero, 0x50(s4)
  lhu t0, 2(s7)
  beq t0, s10, 4b
  fence rw, rw
  andi t0, s10, 63
  slli t0, t0, 3
  add t0, s7, t0
  lw t1, 4(t0)           # the one that has come back goes out again
  addi s10, s10, 1
  slli s10, s10, 48
  srli s10, s10, 48
  andi t0, s8, 63
  slli t0, t0, 1
  add t0, s6, t0
  sh t1, 4(t0)
  addi s8, s8, 1
  fence rw, rw
  sh s8, 2(s6)
  li t1, 1
  amoadd.d zero, t1, (s3)
  j 4b
.else
  li t0, CLINT + 0x4000
  sd zero, 0(t0)         # its time has come
  li t0, 0x80
  csrw mie, t0
  csrsi mstatus, 8
1: j 1b
.endif

  .align 4
trap:
  li t5, 1
  amoadd.d zero, t5, (s3)
.if KIND == 4
  slli t5, s0, 2
  add t5, s1, t5
  sw zero, 0(t5)
.endif
  mret
