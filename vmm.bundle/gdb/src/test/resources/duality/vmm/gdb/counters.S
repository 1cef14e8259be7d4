# A guest of HARTS harts, in S-mode with paging: each counts up in a word of its own, for ever. Hart 0 starts the others.
# Every hart has page tables of its own: memory is at its own address, and once more at HIGH, where the words are
# reached; what is at ONLY_FIRST hart 0 alone has.
  .option norvc
  .option norelax
  .equ HSM, 0x48534D
  .equ HIGH, 0xffffffc000000000   # to be added to an address in memory
  .equ ONLY_FIRST, 0x40000000
  .equ GIGABYTE_OF_MEMORY, 0x200000cf   # 0x80000000, V R W X A D

  .globl _start
_start:
  mv s0, a0
  li s2, 1
1:
  li t0, HARTS
  bgeu s2, t0, paging
  mv a0, s2
  lla a1, other
  li a2, 0
  li a7, HSM
  li a6, 0
  ecall
  addi s2, s2, 1
  j 1b
other:
  mv s0, a0
paging:
  lla t0, tables
  slli t1, s0, 12
  add t0, t0, t1
  li t1, GIGABYTE_OF_MEMORY
  sd t1, 8 * 2(t0)
  bnez s0, 2f
  sd t1, 8(t0)
2:
  li t2, 8 * 0x102
  add t2, t2, t0
  sd t1, 0(t2)
  srli t0, t0, 12
  li t1, 8 << 60
  or t0, t0, t1
  csrw satp, t0
  sfence.vma
  lla s1, counters
  slli t0, s0, 3
  add s1, s1, t0
  li t0, HIGH
  add s1, s1, t0
  li s3, 0

  .globl work
work:
  ld t0, 0(s1)
  addi t0, t0, 1
  .globl store
store:
  sd t0, 0(s1)
  addi s3, s3, 1
  .globl twice
twice:
  slli s4, s3, 1
  j work

  .balign 4096
tables:
  .space 4096 * HARTS
  .globl counters
counters:
  .space 8 * HARTS
