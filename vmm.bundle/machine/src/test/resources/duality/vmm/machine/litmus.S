# Litmus programs for two harts, in M-mode (RISC-V Unpriv., RVWMO and its "litmus tests"). Each line that they print is
# a letter, a name and a number:
#   F  how often something was seen that the memory model forbids, or how many updates were lost: 0
#   S  the same with the fence or the atomic taken out: what a host such as x86 shows
#   A  an outcome that the model allows and that x86 does not show
# then END, and a pass at the test finisher. The word at byte 8 is the number of runs of each, a multiple of 256.
#
# A batch has 256 runs, each on variables x and y of its own. Before each run a hart notes how far it is, and waits
# a little, but not for ever, for the other one: so they run side by side where the host lets them.
  .option norvc
  .option norelax
  .equ BATCH, 256
  .equ STRIDE, 256
  .equ UART, 0x10000000
  .equ FINISHER, 0x100000
  .globl _start
_start:
  j go
  .balign 8
runs:
  .dword 4096
go:
  csrr s0, mhartid
  li t0, 2
  bltu s0, t0, 2f
1: wfi
  j 1b
2: lla t0, progress
  slli t1, s0, 7
  add s1, t0, t1        # how far this hart is
  xori t1, t1, 128
  add s2, t0, t1        # how far the other one is
  li s3, 0
  lla s4, cells
  ld s5, runs
  lla s6, tests
  li s8, 0              # barriers passed

next_test:
  ld t0, 0(s6)
  beqz t0, done
  li s7, 0
  ld t0, 32(s6)
  bnez t0, count
  li s9, 0
batch:
  slli t1, s0, 7
  add t1, t1, s4
  li t0, BATCH
1: sd zero, 0(t1)
  addi t1, t1, STRIDE
  addi t0, t0, -1
  bnez t0, 1b
  call barrier
  li s10, 0
run:
  addi s3, s3, 1
  sd s3, 0(s1)
  li t0, 64
1: ld t1, 0(s2)
  bgeu t1, s3, 2f
  addi t0, t0, -1
  bnez t0, 1b
2: slli t0, s10, 8
  add a0, s4, t0        # x
  addi a1, a0, 128      # y
  li a4, 1
  slli t0, s0, 3
  add t0, t0, s6
  ld t0, 8(t0)
  jalr t0
  lla t0, results
  slli t1, s10, 4
  add t0, t0, t1
  slli t1, s0, 3
  add t0, t0, t1
  sd a2, 0(t0)
  addi s10, s10, 1
  li t0, BATCH
  bltu s10, t0, run
  call barrier
  bnez s0, 5f
  lwu t3, 24(s6)
  lwu t4, 28(s6)
  lla t0, results
  li t1, BATCH
3: ld t2, 0(t0)
  bne t2, t3, 4f
  ld t2, 8(t0)
  bne t2, t4, 4f
  addi s7, s7, 1
4: addi t0, t0, 16
  addi t1, t1, -1
  bnez t1, 3b
5: addi s9, s9, BATCH
  bltu s9, s5, batch
report:
  bnez s0, 6f
  ld a0, 0(s6)
  call text
  mv a0, s7
  call number
6: addi s6, s6, 40
  j next_test

# Both harts do the same so many times to a counter at x; y is for a lock.
count:
  mv a0, s4
  addi a1, a0, 128
  li a4, 1
  bnez s0, 1f
  sd zero, 0(a0)
  sd zero, 0(a1)
1: call barrier
  mv s9, s5
  ld s10, 8(s6)
2: jalr s10
  addi s9, s9, -1
  bnez s9, 2b
  call barrier
  slli s7, s5, 1
  ld t0, 0(s4)
  sub s7, s7, t0
  j report

done:
  call barrier
  bnez s0, 1f
  lla a0, end_text
  call text
  li t0, FINISHER
  li t1, 0x5555
  sw t1, 0(t0)
1: wfi
  j 1b

# Comes back when both harts have come here; what was written before is seen behind it.
barrier:
  addi s8, s8, 2
  lla t0, arrived
  li t1, 1
  fence rw, rw
  amoadd.d.aqrl zero, t1, (t0)
1: ld t1, 0(t0)
  bltu t1, s8, 1b
  fence rw, rw
  ret

text:
  li t0, UART
1: lbu t1, 0(a0)
  beqz t1, 2f
  sb t1, 0(t0)
  addi a0, a0, 1
  j 1b
2: ret

number:
  lla t0, digits_end
  li t1, 10
  li t2, '\n'
  sb zero, -1(t0)
  sb t2, -2(t0)
  addi t0, t0, -2
1: remu t2, a0, t1
  addi t2, t2, '0'
  addi t0, t0, -1
  sb t2, 0(t0)
  divu a0, a0, t1
  bnez a0, 1b
  mv a0, t0
  j text

# ---- what each hart does in a run: x in a0, y in a1, 1 in a4; the answer in a2 ----

  .macro first
  li a2, 0
  ret
  .endm
  # y = 1 and x = 0, in this order: 2
  .macro seen yy, xx
  slli \yy, \yy, 1
  or a2, \yy, \xx
  ret
  .endm

sb_0: sw a4, 0(a0)
  lw a2, 0(a1)
  ret
sb_1: sw a4, 0(a1)
  lw a2, 0(a0)
  ret
sb_fence_0: sw a4, 0(a0)
  fence rw, rw
  lw a2, 0(a1)
  ret
sb_fence_1: sw a4, 0(a1)
  fence rw, rw
  lw a2, 0(a0)
  ret
sb_amo_0: amoswap.w.aqrl zero, a4, (a0)
  lw a2, 0(a1)
  ret
sb_amo_1: amoswap.w.aqrl zero, a4, (a1)
  lw a2, 0(a0)
  ret
# stores by SC, and LR of the other: all four acquire and release
sb_lrsc_0: lr.w.aqrl t0, (a0)
  sc.w.aqrl t1, a4, (a0)
  bnez t1, sb_lrsc_0
  fence rw, rw
  lr.w.aqrl a2, (a1)
  ret
sb_lrsc_1: lr.w.aqrl t0, (a1)
  sc.w.aqrl t1, a4, (a1)
  bnez t1, sb_lrsc_1
  fence rw, rw
  lr.w.aqrl a2, (a0)
  ret

mp_0: sw a4, 0(a0)
  sw a4, 0(a1)
  first
mp_1: lw t0, 0(a1)
  lw t1, 0(a0)
  seen t0, t1
mp_fence_0: sw a4, 0(a0)
  fence w, w
  sw a4, 0(a1)
  first
mp_fence_1: lw t0, 0(a1)
  fence r, r
  lw t1, 0(a0)
  seen t0, t1
mp_address_1: lw t0, 0(a1)
  xor t1, t0, t0
  add t1, t1, a0
  lw t1, 0(t1)
  seen t0, t1
mp_release_0: sw a4, 0(a0)
  amoswap.w.rl zero, a4, (a1)
  first
mp_acquire_1: lr.w.aq t0, (a1)
  lw t1, 0(a0)
  seen t0, t1

lb_0: lw a2, 0(a0)
  sw a4, 0(a1)
  ret
lb_1: lw a2, 0(a1)
  sw a4, 0(a0)
  ret
lb_fence_0: lw a2, 0(a0)
  fence r, w
  sw a4, 0(a1)
  ret
lb_fence_1: lw a2, 0(a1)
  fence r, w
  sw a4, 0(a0)
  ret
lb_data_0: lw a2, 0(a0)
  xor t0, a2, a2
  add t0, t0, a4
  sw t0, 0(a1)
  ret
lb_data_1: lw a2, 0(a1)
  xor t0, a2, a2
  add t0, t0, a4
  sw t0, 0(a0)
  ret

corr_0: sw a4, 0(a0)
  first
corr_1: lw t0, 0(a0)
  lw t1, 0(a0)
  seen t0, t1

# an aligned double word is all or nothing
whole_0: li t0, -1
  sd t0, 0(a0)
  sd zero, 0(a0)
  first
whole_1: ld t0, 0(a0)
  addi t0, t0, 1
  sltiu t0, t0, 2
  xori a2, t0, 1
  ret

# an instruction that the other hart has written: li a2, (run & 2047)
code_0: slli t0, s3, 53
  srli t0, t0, 33
  addi t0, t0, 0x613
  lla t1, patched
  sw t0, 0(t1)
  fence w, w
  sw a4, 0(a1)
  first
  .macro execute fence:vararg
  li t2, 32
1: lw t0, 0(a1)
  bnez t0, 2f
  addi t2, t2, -1
  bnez t2, 1b
  li a2, 0
  ret
2: fence r, rw
  \fence
  mv t3, ra
  lla t0, patched
  jalr t0
  mv ra, t3
  sub a2, a2, s3
  slli a2, a2, 53
  srli a2, a2, 63       # older than this run's
  ret
  .endm
code_fence_1: execute fence.i
code_1: execute nop

# ---- what both do to a counter at a0, a lock at a1 ----

add_w: amoadd.w zero, a4, (a0)
  ret
add_d: amoadd.d zero, a4, (a0)
  ret
lrsc_w: lr.w t0, (a0)
  add t0, t0, a4
  sc.w t1, t0, (a0)
  bnez t1, lrsc_w
  ret
lrsc_d: lr.d t0, (a0)
  add t0, t0, a4
  sc.d t1, t0, (a0)
  bnez t1, lrsc_d
  ret
lock: amoswap.w.aq t0, a4, (a1)
  bnez t0, lock
  ld t0, 0(a0)
  add t0, t0, a4
  sd t0, 0(a0)
  amoswap.w.rl zero, zero, (a1)
  ret
lock_lrsc: lr.w.aq t0, (a1)
  bnez t0, lock_lrsc
  sc.w t1, a4, (a1)
  bnez t1, lock_lrsc
  ld t0, 0(a0)
  add t0, t0, a4
  sd t0, 0(a0)
  fence rw, w
  sw zero, 0(a1)
  ret
plain: ld t0, 0(a0)
  add t0, t0, a4
  sd t0, 0(a0)
  ret
no_lock: lw t0, 0(a1)
  bnez t0, no_lock
  sw a4, 0(a1)
  ld t0, 0(a0)
  add t0, t0, a4
  sd t0, 0(a0)
  sw zero, 0(a1)
  ret

  .macro pair name, code0, code1, want0, want1
  .dword 77f, \code0, \code1, \want0 | \want1 << 32, 0
  .pushsection .text.names, "ax"
77: .asciz "\name "
  .popsection
  .endm
  .macro counter name, code
  .dword 77f, \code, \code, 0, 1
  .pushsection .text.names, "ax"
77: .asciz "\name "
  .popsection
  .endm
  .balign 8
tests:
  pair "S SB", sb_0, sb_1, 0, 0
  pair "F SB+fences", sb_fence_0, sb_fence_1, 0, 0
  pair "F SB+amos", sb_amo_0, sb_amo_1, 0, 0
  pair "F SB+lrsc", sb_lrsc_0, sb_lrsc_1, 0, 0
  pair "A MP", mp_0, mp_1, 0, 2
  pair "F MP+fences", mp_fence_0, mp_fence_1, 0, 2
  pair "F MP+fence+address", mp_fence_0, mp_address_1, 0, 2
  pair "F MP+release+acquire", mp_release_0, mp_acquire_1, 0, 2
  pair "A LB", lb_0, lb_1, 1, 1
  pair "F LB+fences", lb_fence_0, lb_fence_1, 1, 1
  pair "F LB+data", lb_data_0, lb_data_1, 1, 1
  pair "F CoRR", corr_0, corr_1, 0, 2
  pair "F whole", whole_0, whole_1, 0, 1
  pair "F code+fence.i", code_0, code_fence_1, 0, 1
  pair "S code", code_0, code_1, 0, 1
  counter "F amoadd.w", add_w
  counter "F amoadd.d", add_d
  counter "F lr.w+sc.w", lrsc_w
  counter "F lr.d+sc.d", lrsc_d
  counter "F lock", lock
  counter "F lock+lrsc", lock_lrsc
  counter "S plain", plain
  counter "S no-lock", no_lock
  .dword 0
end_text:
  .asciz "END\n"
  .balign 128
digits:
  .zero 32
digits_end:
  .balign 128
progress:
  .zero 256
arrived:
  .zero 128
results:
  .zero 16 * BATCH
  .balign 4096
patched:
  li a2, 0
  ret
  .balign 4096
cells:
  .zero STRIDE * BATCH
