# The kernel starts a program with the argument count on top of the stack, the arguments behind it,
# a null, and the environment: run_agent(count, arguments) finds all of them from there.
    .globl _start
_start:
    mv    s0, zero
    ld    a0, 0(sp)
    addi  a1, sp, 8
    andi  sp, sp, -16
    call  run_agent
    li    a7, 94                # exit_group
    ecall
