# The nucleus enters the first process with the address of its argument text in a0 and its stack at the
# end of its storage. A call of the nucleus has its number in a7.
    .section .text.start
    .globl _start
_start:
    mv    s0, zero
    call  first_process
1:  j     1b

    .text
    .macro nucleus name, number
    .globl \name
\name:
    li    a7, \number
    ecall
    ret
    .endm

    nucleus send_message, 1
    nucleus send_answer, 3
    nucleus wait_answer, 4
    nucleus create_process, 5
    nucleus start_process, 6
    nucleus stop_process, 7
    nucleus remove_process, 8

# long wait_message(word *message, name *sender): the name comes in a1.
    .globl wait_message
wait_message:
    mv    t0, a1
    li    a7, 2
    ecall
    sd    a1, 0(t0)
    ret
