# Where nano begins, where every trap begins, and how a program goes on. All else is C.
#include "hart.h"

    .section .text.start, "ax"
    .globl _start
# Entered by the monitor in supervisor mode: a0 = hart id, a1 = physical address of the device tree,
# address translation off, interrupts off. Nothing else is promised, not even a stack.
_start:
    csrci CSR_STATUS, INTERRUPTS_ON  # none before there is someone to take it
    csrw  CSR_SCRATCH, zero
    la    sp, boot_stack_top
    la    t0, bss_start         # C expects its zero-initialised variables to be zero
    la    t1, bss_end
1:  bgeu  t0, t1, 2f
    sd    zero, 0(t0)
    addi  t0, t0, 8
    j     1b
2:  mv    s0, zero              # ends a debugger's walk up the stack
    call  start_nano            # never returns

# A trap may come between any two instructions, so every register that C may change is saved. In the
# kernel CSR_SCRATCH is zero and the stack pointer ours: the frame goes on top of the running stack. The
# layout is struct trap_frame in nano.h: register n at offset 8 n, then the program counter.
    .text
    .balign 4
    .globl trap_entry
trap_entry:
    csrrw sp, CSR_SCRATCH, sp
    bnez  sp, from_program
    csrrw sp, CSR_SCRATCH, sp
    addi  sp, sp, -272
    sd    x1, 8(sp)
    addi  x1, sp, 272
    sd    x1, 16(sp)            # the stack pointer as it was
    .irp  n, 3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd    x\n, 8*\n(sp)
    .endr
    csrr  t0, CSR_PC
    sd    t0, 256(sp)
    mv    a0, sp
    call  take_trap
    ld    t0, 256(sp)
    csrw  CSR_PC, t0
    .irp  n, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld    x\n, 8*\n(sp)
    .endr
    addi  sp, sp, 272
    RETURN

# void go_on(struct trap_frame *program): goes on with a program until its next trap, and
# returns then, with interrupts off. What C expects to be kept is on the stack meanwhile.
    .globl go_on
go_on:
    addi  sp, sp, -112
    sd    ra, 0(sp)
    sd    s0, 8(sp)
    sd    s1, 16(sp)
    .irp  n, 18,19,20,21,22,23,24,25,26,27
    sd    x\n, 8*\n-120(sp)
    .endr
    sd    sp, 264(a0)
    csrw  CSR_SCRATCH, a0
    ld    t0, 256(a0)
    csrw  CSR_PC, t0
    .irp  n, 1,2,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,10
    ld    x\n, 8*\n(a0)
    .endr
    RETURN

# sp is the program's frame, CSR_SCRATCH its stack pointer.
from_program:
    .irp  n, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd    x\n, 8*\n(sp)
    .endr
    csrrw t0, CSR_SCRATCH, zero
    sd    t0, 16(sp)
    csrr  t0, CSR_PC
    sd    t0, 256(sp)
    ld    sp, 264(sp)
    ld    ra, 0(sp)
    ld    s0, 8(sp)
    ld    s1, 16(sp)
    .irp  n, 18,19,20,21,22,23,24,25,26,27
    ld    x\n, 8*\n-120(sp)
    .endr
    addi  sp, sp, 112
    ret

    .bss
    .balign 16
    .space 16384
boot_stack_top:
