# Entry of the test programs: bare metal, machine mode, at 0x80000000 of QEMU's `virt`.
# A trap is noted in `last` and execution goes on at the address in `resume`, in machine mode.

    .section .text.start, "ax"
    .globl _start
_start:
    la    sp, stack_top
    la    t0, bss_start
    la    t1, bss_end
1:  bgeu  t0, t1, 2f
    sd    zero, 0(t0)
    addi  t0, t0, 8
    j     1b
2:  la    t0, trap_entry
    csrw  mtvec, t0
    call  main
    li    t0, 0x100000          # the test finisher: power off
    li    t1, 0x5555
    sw    t1, 0(t0)
3:  j     3b

# Vectored interrupts enter at 4 * cause; all are noted alike.
    .balign 256
    .globl trap_entry
trap_entry:
    .option push
    .option norvc
    .rept 16
    j     note_trap
    .endr
    .option pop
note_trap:
    csrw  mscratch, t1
    la    t1, last
    sd    t0, 56(t1)
    csrr  t0, mcause
    sd    t0, 0(t1)
    csrr  t0, mepc
    sd    t0, 8(t1)
    csrr  t0, mtval
    sd    t0, 16(t1)
    csrr  t0, mstatus
    sd    t0, 24(t1)
    ld    t0, 32(t1)            # how many so far
    addi  t0, t0, 1
    sd    t0, 32(t1)
    ld    t0, resume
    csrw  mepc, t0
    li    t0, 0x1880            # MPP = M, MPIE, so that mret stays here with interrupts as they were
    csrs  mstatus, t0
    li    t0, 0x20080           # and MPRV off
    csrc  mstatus, t0
    la    t1, last
    ld    t0, 56(t1)
    csrr  t1, mscratch
    mret

# Where the supervisor's traps go: notes them, and leaves by an ecall to machine mode.
    .balign 256
    .globl supervisor_entry
supervisor_entry:
    .option push
    .option norvc
    .rept 16
    j     note_supervisor_trap
    .endr
    .option pop
note_supervisor_trap:
    la    t1, supervisor
    csrr  t0, scause
    sd    t0, 0(t1)
    csrr  t0, sepc
    sd    t0, 8(t1)
    csrr  t0, stval
    sd    t0, 16(t1)
    csrr  t0, sstatus
    sd    t0, 24(t1)
    ld    t0, 32(t1)
    addi  t0, t0, 1
    sd    t0, 32(t1)
    ecall

# go(pc, mstatus): jumps to pc with that mstatus, in the mode of its MPP; returns after the next trap.
    .globl go
go:
    addi  sp, sp, -112
    sd    ra, 0(sp)
    sd    s0, 8(sp)
    sd    s1, 16(sp)
    sd    s2, 24(sp)
    sd    s3, 32(sp)
    sd    s4, 40(sp)
    sd    s5, 48(sp)
    sd    s6, 56(sp)
    sd    s7, 64(sp)
    sd    s8, 72(sp)
    sd    s9, 80(sp)
    sd    s10, 88(sp)
    sd    s11, 96(sp)
    la    t0, saved_sp
    sd    sp, 0(t0)
    la    t0, 1f
    la    t1, resume
    sd    t0, 0(t1)
    csrw  mepc, a0
    csrw  mstatus, a1
    mret
1:  ld    sp, saved_sp
    ld    ra, 0(sp)
    ld    s0, 8(sp)
    ld    s1, 16(sp)
    ld    s2, 24(sp)
    ld    s3, 32(sp)
    ld    s4, 40(sp)
    ld    s5, 48(sp)
    ld    s6, 56(sp)
    ld    s7, 64(sp)
    ld    s8, 72(sp)
    ld    s9, 80(sp)
    ld    s10, 88(sp)
    ld    s11, 96(sp)
    addi  sp, sp, 112
    ret

    .bss
    .balign 16
    .globl last, supervisor, resume
last:
    .space 64
supervisor:
    .space 64
resume:
    .space 8
saved_sp:
    .space 8
    .balign 16
    .space 16384
stack_top:
