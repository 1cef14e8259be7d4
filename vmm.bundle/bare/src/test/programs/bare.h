// How the programs beside this file begin and end: M-mode at _start, a verdict in tohost.
// s11 counts the checks, so that a failure says which one it was: its number is the code.
  .option arch, +zba, +zbb, +zbs
  .equ PAGE, 4096

  .macro check register, value
  addi s11, s11, 1
  li t6, \value
  bne \register, t6, failed
  .endm

  // The next exception goes to `to` and leaves its cause in s10, its value in s9.
  .macro expect to
  la t6, \to
  csrw mscratch, t6
  li s10, -1
  .endm

  // Continues at `label` in that mode (0 U, 1 S).
  .macro enter mode, label
  li t6, 3 << 11
  csrc mstatus, t6
  li t6, \mode << 11
  csrs mstatus, t6
  la t6, \label
  csrw mepc, t6
  mret
  .endm

  .section .text.init, "ax"
  .globl _start
_start:
  la t6, trap
  csrw mtvec, t6
  li s11, 0
  j main
  .balign 4
trap:
  csrr s10, mcause
  csrr s9, mtval
  csrr t6, mscratch
  csrw mepc, t6
  li t6, 0x80 // back with interrupts off
  csrc mstatus, t6
  li t6, 3 << 11
  csrs mstatus, t6
  mret
passed:
  li t6, 1
  j report
failed:
  slli t6, s11, 1
  ori t6, t6, 1
report:
  la t5, tohost
1:
  sw t6, 0(t5)
  sw zero, 4(t5)
  j 1b

  .section .tohost, "aw"
  .balign 64
  .globl tohost
tohost: .dword 0
  .balign 64
  .globl fromhost
fromhost: .dword 0
  .text
main:
