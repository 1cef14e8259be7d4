# HARTS harts of a machine in M-mode: each says its number when its software interrupt comes, and calls the next one by
# the core-local interruptor. Then hart 0 begins rounds, in each of which all others add one to a counter, by an AMO; it
# says a dot every ten milliseconds.
  .option norvc
  .option norelax
  .equ CLINT, 0x2000000
  .equ UART, 0x10000000
  .equ MSIE, 8
  .equ MILLISECONDS, 10
  .globl _start
_start:
  csrr s0, mhartid
  bne s0, a0, _start     # the reset vector says it, too
  li s1, CLINT
  li s2, UART
  lla s3, seen
  slli t0, s0, 2
  add s4, s1, t0         # its msip
  li t0, MSIE
  csrw mie, t0
  beqz s0, say
1: wfi
  csrr t0, mip
  andi t0, t0, MSIE
  beqz t0, 1b
  sw zero, 0(s4)
say:
  addi t0, s0, '0'
  sb t0, 0(s2)
  addi t0, s0, 1
  li t1, HARTS
  bgeu t0, t1, work
  li t1, 1
  sw t1, 4(s4)           # calls the next one
  bnez s0, work

  # Hart 0, when all have come: rounds and dots.
  li t1, HARTS - 1
1: ld t0, 16(s3)
  bne t0, t1, 1b
dots:
  li t1, HARTS - 1
  li t0, '.'
  sb t0, 0(s2)
  rdtime s5
  li t0, MILLISECONDS * 10000
  add s5, s5, t0
2: fence rw, rw
  sd zero, 16(s3)
  fence rw, rw
  ld t0, 8(s3)
  addi t0, t0, 1
  sd t0, 8(s3)           # the next round
3: ld t0, 16(s3)
  bne t0, t1, 3b         # all others have been there, and none twice
  rdtime t0
  bltu t0, s5, 2b
  j dots

work:
  bnez s0, 4f
  j dots                 # it is alone
4: li s5, -1
  li t1, 1
5: ld t0, 8(s3)
  beq t0, s5, 5b
  mv s5, t0
  fence rw, rw
  addi t2, s3, 16
  amoadd.d.aqrl zero, t1, (t2)
  j 5b

  .balign 64
# nothing; the round; how many have been there in it
seen:
  .zero 64
