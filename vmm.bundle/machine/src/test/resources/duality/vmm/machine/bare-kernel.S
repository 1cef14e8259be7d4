# A kernel that starts in M-mode with nothing below it, in the manner of teaching systems: prints a letter for each thing
# that is as it should be, then switches the machine off. M start, T timer, I software interrupt, D disk in slot 0,
# P memory protection and S-mode, U interrupt of the serial port by the controller's context of M-mode.
  .option norvc
  .globl _start
_start:
  li s0, 0x10000000
  li s1, 0x2000000
  la t0, trap
  csrw mtvec, t0
  bnez a0, bad
  lw t0, 0(a1)
  li t1, 0xffffffffedfe0dd0
  bne t0, t1, bad
  li a0, 'M'
  call print

  li t0, 0x2004000
  li t1, 0x200bff8
  ld t2, 0(t1)
  rdtime t3
  sub t3, t3, t2          # the two clocks are one
  srai t3, t3, 24
  bnez t3, bad
  addi t2, t2, 1000
  sd t2, 0(t0)
  li t3, 0x80
  csrw mie, t3
  call rest
  li t1, 0x8000000000000007
  bne s2, t1, bad
  li t2, -1
  sd t2, 0(t0)
  li a0, 'T'
  call print

  li t2, 1
  sw t2, 0(s1)
  li t3, 8
  csrw mie, t3
  call rest
  li t1, 0x8000000000000003
  bne s2, t1, bad
  sw zero, 0(s1)
  li a0, 'I'
  call print

  li t0, 0x10001000
  lw t1, 0(t0)
  li t2, 0x74726976
  bne t1, t2, bad
  lw t1, 4(t0)
  li t2, 2
  bne t1, t2, bad
  lw t1, 8(t0)
  bne t1, t2, bad
  li a0, 'D'
  call print

  li t0, -1
  csrw pmpaddr0, t0
  csrwi pmpcfg0, 0x1f
  li t0, 3 << 11
  csrc mstatus, t0
  li t0, 1 << 11
  csrs mstatus, t0
  la t0, in_s
  csrw mepc, t0
  la t0, back
  csrw mscratch, t0
  mret
in_s:
  ecall
back:
  li t1, 9
  bne s2, t1, bad
  li a0, 'P'
  call print

  li t0, 0xc000028        # priority of source 10
  li t1, 1
  sw t1, 0(t0)
  li t0, 0xc002000        # enabled for M-mode of hart 0
  li t1, 1 << 10
  sw t1, 0(t0)
  li t0, 0xc200000
  sw zero, 0(t0)          # threshold
  li t1, 2
  sb t1, 1(s0)            # when it can send
  li t3, 0x800
  csrw mie, t3
  call rest
  li t1, 0x800000000000000b
  bne s2, t1, bad
  lw t1, 4(t0)
  li t2, 10
  bne t1, t2, bad
  sb zero, 1(s0)
  sw t1, 4(t0)
  li a0, 'U'
  call print
  li t1, 0x5555
  j end

bad:
  li a0, '!'
  call print
  li t1, 0x13333
end:
  li t0, 0x100000
  sw t1, 0(t0)
1:
  j 1b

# Waits for an interrupt; leaves its cause in s2.
rest:
  li s2, 0
  la t4, 2f
  csrw mscratch, t4
  csrsi mstatus, 8
1:
  wfi
  j 1b
2:
  ret

print:
  sb a0, 0(s0)
  ret

  .balign 4
trap:
  csrr s2, mcause
  csrr t6, mscratch
  csrw mepc, t6
  li t6, 0x80
  csrc mstatus, t6
  li t6, 3 << 11
  csrs mstatus, t6
  mret
