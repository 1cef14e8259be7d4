# A guest of HARTS harts, in S-mode, that ends or restarts its machine when it is told to. It says B when it is up; then
# two characters are a hart's number and what that hart does. Hart 0 reads them.
  .option norvc
  .option norelax
  .equ HSM, 0x48534D
  .equ SRST, 0x53525354
  .equ DBCN, 0x4442434E
  .equ FINISHER, 0x100000

  .macro sbi extension, function
  li a7, \extension
  li a6, \function
  ecall
  .endm
  .macro say letter
  li a0, \letter
  sbi DBCN, 2
  .endm
  # When the order is that letter, asks for a reset of a type, for a reason; says the error, as a digit, when refused.
  .macro reset letter, type, reason
  li t0, \letter
  bne s4, t0, 9f
  li a0, \type
  li a1, \reason
  sbi SRST, 0
  neg a0, a0
  addi a0, a0, '0'
  sbi DBCN, 2
  j done
9:
  .endm
  .macro finish letter, value
  li t0, \letter
  bne s4, t0, 9f
  li t0, FINISHER
  li t1, \value
  sw t1, 0(t0)
  j done
9:
  .endm

  .globl _start
_start:
  mv s0, a0
  lla s1, orders
  bnez s0, serve
  li s2, 1
1:
  li t0, HARTS
  bgeu s2, t0, 2f
  mv a0, s2
  lla a1, _start
  li a2, 0
  sbi HSM, 0
  bnez a0, .
  addi s2, s2, 1
  j 1b
2:
  say 'B'
read:
  call key
  addi s3, a0, -'0'
  call key
  slli t0, s3, 3
  add t0, t0, s1
  sd a0, 0(t0)
  bnez s3, read
serve:
  slli t0, s0, 3
  add s5, t0, s1
1:
  ld s4, 0(s5)
  beqz s4, 1b
  sd zero, 0(s5)            # first: the next order may come as soon as this one is answered
  reset 'c', 1, 0
  reset 'w', 2, 0
  reset 'p', 1, 1           # a restart after a failure
  reset 's', 0, 0
  reset 'f', 0, 1           # switched off after a failure
  reset 't', 3, 0           # a type that there is not
  reset 'r', 0, 2           # a reason that there is not
  reset 'v', 0xf0000000, 0  # of a vendor
  finish 'R', 0x7777
  finish 'P', 0x5555
  finish 'F', 0x73333
done:
  beqz s0, read
  j 1b

key:
  li a0, 1
  lla a1, character
  li a2, 0
  sbi DBCN, 1
  bnez a0, .
  beqz a1, key
  lla a1, character
  lbu a0, 0(a1)
  ret

  .balign 8
orders:
  .space 8 * HARTS
character:
  .space 8
