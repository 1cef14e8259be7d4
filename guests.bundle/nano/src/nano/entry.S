# Where nano begins, and where every trap begins. All else is C.

    .section .text.start, "ax"
    .globl _start
# Entered by the monitor in supervisor mode: a0 = hart id, a1 = physical address of the device tree,
# address translation off, interrupts off. Nothing else is promised, not even a stack.
_start:
    csrw  sie, zero
    csrci sstatus, 2            # SIE: no interrupt before there is someone to take it
    la    sp, boot_stack_top
    la    t0, bss_start         # C expects its zero-initialised variables to be zero
    la    t1, bss_end
1:  bgeu  t0, t1, 2f
    sd    zero, 0(t0)
    addi  t0, t0, 8
    j     1b
2:  la    t0, trap_entry
    csrw  stvec, t0             # the low two bits are 0: "direct", one entry for all causes
    mv    s0, zero              # ends a debugger's walk up the stack
    call  start_nano            # never returns

# A trap may come between any two instructions, so every register that C may change is saved. nano
# has no user mode: the stack pointer is always ours, and the frame goes on top of the running
# stack. The layout is struct trap_frame in nano.h: register n at offset 8 n, then sepc.
    .text
    .balign 4
trap_entry:
    addi  sp, sp, -272
    sd    x1, 8(sp)
    addi  x1, sp, 272
    sd    x1, 16(sp)            # the stack pointer as it was
    .irp  n, 3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd    x\n, 8*\n(sp)
    .endr
    csrr  t0, sepc
    sd    t0, 256(sp)
    mv    a0, sp
    call  take_trap
    ld    t0, 256(sp)
    csrw  sepc, t0
    .irp  n, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld    x\n, 8*\n(sp)
    .endr
    addi  sp, sp, 272
    sret

    .bss
    .balign 16
    .space 16384
boot_stack_top:
