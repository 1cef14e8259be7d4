# A guest of two harts, in S-mode: tries what the SBI does to other harts, and prints a letter for each that did what
# it should, or X and the place where it did not.
  .option norvc
  .option norelax
  .equ HSM, 0x48534D
  .equ IPI, 0x735049
  .equ RFENCE, 0x52464E43
  .equ ROUNDS, 300
  .equ WINDOW, 0x40000000   # the virtual address that is moved

  .macro sbi extension, function
  li a7, \extension
  li a6, \function
  ecall
  .endm
  .macro say letter
  li a0, \letter
  sbi 0x4442434E, 2
  .endm
  # Tells hart 1 what to do, and waits until it has begun.
  .macro order what
  li t0, \what
  sd t0, 0(s0)
1: ld t1, 8(s0)
  bne t1, t0, 1b
  fence rw, rw
  .endm
  .equ CALLED, 1
  .equ CODE, 2
  .equ STORE, 3
  .equ STOP, 4
  .equ SLEEP, 5
  .equ POWER_OFF, 6

  .globl _start
_start:
  lla s0, shared
  bnez a0, wrong
  li a0, 1
  sbi HSM, 2
  bnez a0, wrong
  li t0, 1              # stopped
  bne a1, t0, wrong
  call start
  bnez a0, wrong
  say 'S'
  call start
  li t0, -6
  bne a0, t0, wrong
  li a0, 1
  sbi HSM, 2
  bnez a1, wrong
  li a0, 2
  sbi HSM, 2
  li t0, -3
  bne a0, t0, wrong
  li a0, 2
  li a1, 1
  sbi IPI, 0            # harts 2 are none
  li t0, -3
  bne a0, t0, wrong
  say 'A'

  # It is called again and again, and waits in between.
  order CALLED
  li s1, 1
2: li a0, 1
  li a1, 1
  sbi IPI, 0
  bnez a0, wrong
3: ld t0, 16(s0)
  bne t0, s1, 3b
  addi s1, s1, 1
  li t0, ROUNDS
  bltu s1, t0, 2b
  say 'I'

  # It executes what is changed under it.
  order CODE
  li s1, 1
4: slli t0, s1, 20
  li t1, 0x513          # li a0, N
  or t0, t0, t1
  lla t1, patched
  sw t0, 0(t1)
  fence rw, rw
  li a0, 2
  li a1, 0
  sbi RFENCE, 0
  bnez a0, wrong
  ld t2, 24(s0)         # two whole rounds from here on
  addi t2, t2, 2
5: ld t0, 24(s0)
  bltu t0, t2, 5b
  fence r, r
  ld t0, 32(s0)
  bne t0, s1, wrong
  addi s1, s1, 1
  li t0, ROUNDS
  bltu s1, t0, 4b
  say 'F'

  # It stores to a page that is moved under it: once the fence is done, nothing comes to the old place any more.
  order STORE
  li s1, 0
6: lla s2, page_a
  lla s3, page_b
  andi t0, s1, 1
  beqz t0, 7f
  mv t0, s2
  mv s2, s3
  mv s3, t0
7: ld t1, 0(s2)         # it is at work here
8: ld t0, 0(s2)
  beq t0, t1, 8b
  srli t0, s3, 2
  ori t0, t0, 0xc7      # V R W A D
  lla t1, leaf
  sd t0, 0(t1)
  fence rw, rw
  li a0, 0
  li a1, -1
  li a2, WINDOW
  li a3, 4096
  andi a4, s1, 2
  beqz a4, 9f
  li a0, 2
  li a1, 0
9: sbi RFENCE, 1
  bnez a0, wrong
  ld t1, 0(s2)
  li t2, 2000
10: ld t0, 0(s2)
  bne t0, t1, wrong
  addi t2, t2, -1
  bnez t2, 10b
  addi s1, s1, 1
  li t0, ROUNDS
  bltu s1, t0, 6b
  say 'V'

  # It stops itself, and is started again, many times.
  li s1, 0
11: order STOP
12: li a0, 1
  sbi HSM, 2
  bnez a0, wrong
  li t0, 1
  bne a1, t0, 12b
  call start
  bnez a0, wrong
  addi s1, s1, 1
  li t0, 50
  bltu s1, t0, 11b
  say 'H'

  # It suspends itself and comes back elsewhere.
  order SLEEP
13: li a0, 1
  sbi HSM, 2
  bnez a0, wrong
  li t0, 4              # suspended
  bne a1, t0, 13b
  call start
  li t0, -6             # which is not stopped
  bne a0, t0, wrong
  li a0, 2
  li a1, 0
  sbi IPI, 0
14: ld t0, 40(s0)
  beqz t0, 14b
15: li a0, 1
  sbi HSM, 2
  bnez a1, 15b          # until it is seen to run
  say 'Z'
  say 'E'
  li t0, POWER_OFF
  sd t0, 0(s0)
16: wfi
  j 16b

# Starts hart 1, and waits until it runs when that succeeds.
start:
  mv t4, ra
  sd zero, 0(s0)
  sd zero, 48(s0)
  li a0, 1
  lla a1, other
  li a2, 0x1234567890
  sbi HSM, 0
  bnez a0, 2f
1: ld t0, 48(s0)
  li t1, 0x1234567890
  bne t0, t1, 1b
2: mv ra, t4
  ret

wrong:
  auipc s4, 0
  say 'X'
1: wfi
  j 1b

other:
  lla s0, shared
  li t0, 1
  bne a0, t0, wrong
  csrr t0, satp
  bnez t0, wrong
  csrr t0, sstatus
  andi t0, t0, 2
  bnez t0, wrong
  sd a1, 48(s0)
  li s1, 0
next:
  ld t0, 0(s0)
  sd t0, 8(s0)
  li t1, CALLED
  beq t0, t1, called
  li t1, CODE
  beq t0, t1, code
  li t1, STORE
  beq t0, t1, store
  li t1, STOP
  beq t0, t1, stop
  li t1, SLEEP
  beq t0, t1, sleep
  li t1, POWER_OFF
  beq t0, t1, power_off
  j next

called:
  csrsi sie, 2
1: ld t0, 16(s0)
  li t1, ROUNDS - 1
  bgeu t0, t1, next      # all have come
  wfi
  csrr t0, sip
  andi t0, t0, 2
  beqz t0, 1b
  csrci sip, 2
  ld t0, 16(s0)
  addi t0, t0, 1
  sd t0, 16(s0)
  j 1b

code:
  lla t0, patched
  jalr t0
  sd a0, 32(s0)
  fence w, w
  ld t0, 24(s0)
  addi t0, t0, 1
  sd t0, 24(s0)
  j next

# In Sv39, with memory where it is and one page more.
store:
  lla t0, middle
  srli t0, t0, 2
  ori t0, t0, 1
  lla t1, root
  sd t0, 8(t1)
  li t0, 0x200000cf     # 0x80000000, 1 GiB: V R W X A D
  sd t0, 16(t1)
  lla t0, leaf
  srli t0, t0, 2
  ori t0, t0, 1
  lla t2, middle
  sd t0, 0(t2)
  lla t0, page_a
  srli t0, t0, 2
  ori t0, t0, 0xc7
  lla t2, leaf
  sd t0, 0(t2)
  srli t1, t1, 12
  li t0, 8 << 60
  or t0, t0, t1
  csrw satp, t0
  sfence.vma
  li t2, WINDOW
1: addi s1, s1, 1
  sd s1, 0(t2)
  ld t0, 0(s0)
  li t1, STORE
  beq t0, t1, 1b
  csrw satp, zero
  j next

stop:
  sbi HSM, 1
  j wrong

sleep:
  csrsi sie, 2
  li a0, 1 << 31
  lla a1, back
  li a2, 99
  sbi HSM, 3
  j wrong
back:
  li t0, 1
  bne a0, t0, wrong
  li t0, 99
  bne a1, t0, wrong
  lla s0, shared
  csrci sip, 2
  li t0, 1
  sd t0, 40(s0)
1: ld t0, 0(s0)
  li t1, POWER_OFF
  bne t0, t1, 1b
power_off:
  li a0, 0
  li a1, 0
  sbi 0x53525354, 0
  j wrong

  .balign 4096
patched:
  li a0, 0
  ret
  .balign 4096
# order, what it is at, calls, rounds of code, what code said, back from sleep, started with
shared:
  .zero 4096
root:
  .zero 4096
middle:
  .zero 4096
leaf:
  .zero 4096
page_a:
  .zero 4096
page_b:
  .zero 4096
