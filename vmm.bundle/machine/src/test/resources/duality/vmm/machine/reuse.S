# A kernel in M-mode that puts new code where there was other code, and knows of no fence.i: after an sfence.vma of everything it
# finds the new one, as on QEMU. Each version prints its letter; then the machine is switched off.
  .option norvc
  .option norelax
  .equ UART, 0x10000000
  .equ FINISHER, 0x100000
  .globl _start
_start:
  li s0, UART
  li s1, 0x80100000
  li s2, 'a'
  li s3, 'z' + 1
1: slli t0, s2, 20
  li t1, 0x513           # li a0, LETTER
  or t0, t0, t1
  sw t0, 0(s1)
  li t0, 0x8067          # ret
  sw t0, 4(s1)
  sfence.vma
  jalr s1
  sb a0, 0(s0)
  addi s2, s2, 1
  bltu s2, s3, 1b
  li t0, '\n'
  sb t0, 0(s0)
  li t0, FINISHER
  li t1, 0x5555
  sw t1, 0(t0)
1: j 1b
