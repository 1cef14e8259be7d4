# Where the machine starts: in M-mode at 0x80000000, with the hart's number in a0 and the device tree in a1. Every hart has a
# stack of its own; those but the first one sleep.
  .section .text.start, "ax"
  .globl _start
_start:
  csrr t0, mhartid
  bnez t0, asleep
  la sp, stack_top
  la t0, bss_start
  la t1, bss_end
1:
  bgeu t0, t1, 2f
  sd zero, 0(t0)
  addi t0, t0, 8
  j 1b
2:
  call start
asleep:
  wfi
  j asleep

# The timer of the core-local interruptor is the machine's: the next tick, and a software interrupt for the supervisor.
# mscratch leads to: three saved registers, the address of mtimecmp, the interval.
  .balign 4
  .globl machine_timer
machine_timer:
  csrrw a0, mscratch, a0
  sd a1, 0(a0)
  sd a2, 8(a0)
  sd a3, 16(a0)
  ld a1, 24(a0)
  ld a2, 32(a0)
  ld a3, 0(a1)
  add a3, a3, a2
  sd a3, 0(a1)
  li a1, 2
  csrw sip, a1
  ld a3, 16(a0)
  ld a2, 8(a0)
  ld a1, 0(a0)
  csrrw a0, mscratch, a0
  mret

# A trap of the supervisor itself, on its own stack.
  .balign 4
  .globl kernel_trap_entry
kernel_trap_entry:
  addi sp, sp, -256
  sd ra, 0(sp)
  sd gp, 8(sp)
  sd tp, 16(sp)
  sd t0, 24(sp)
  sd t1, 32(sp)
  sd t2, 40(sp)
  sd a0, 48(sp)
  sd a1, 56(sp)
  sd a2, 64(sp)
  sd a3, 72(sp)
  sd a4, 80(sp)
  sd a5, 88(sp)
  sd a6, 96(sp)
  sd a7, 104(sp)
  sd t3, 112(sp)
  sd t4, 120(sp)
  sd t5, 128(sp)
  sd t6, 136(sp)
  call kernel_trap
  ld ra, 0(sp)
  ld gp, 8(sp)
  ld tp, 16(sp)
  ld t0, 24(sp)
  ld t1, 32(sp)
  ld t2, 40(sp)
  ld a0, 48(sp)
  ld a1, 56(sp)
  ld a2, 64(sp)
  ld a3, 72(sp)
  ld a4, 80(sp)
  ld a5, 88(sp)
  ld a6, 96(sp)
  ld a7, 104(sp)
  ld t3, 112(sp)
  ld t4, 120(sp)
  ld t5, 128(sp)
  ld t6, 136(sp)
  addi sp, sp, 256
  sret

# run_user(pc, sp, satp): user mode until its next trap; answers scause. The kernel is in every address space, at the same place, and
# keeps the registers of its own that a call keeps.
  .globl run_user
run_user:
  addi sp, sp, -112
  sd ra, 0(sp)
  sd s0, 8(sp)
  sd s1, 16(sp)
  sd s2, 24(sp)
  sd s3, 32(sp)
  sd s4, 40(sp)
  sd s5, 48(sp)
  sd s6, 56(sp)
  sd s7, 64(sp)
  sd s8, 72(sp)
  sd s9, 80(sp)
  sd s10, 88(sp)
  sd s11, 96(sp)
  csrw sepc, a0
  csrw sscratch, sp
  la t0, user_trap_entry
  csrw stvec, t0
  csrr t0, satp
  sd t0, 104(sp)
  csrw satp, a2
  sfence.vma
  li t0, 0x100
  csrc sstatus, t0
  mv sp, a1
  la t0, user_registers
  ld a0, 80(t0)
  ld a1, 88(t0)
  ld a2, 96(t0)
  ld a7, 136(t0)
  sret

  .balign 4
user_trap_entry:
  csrrw sp, sscratch, sp
  la t0, user_registers
  sd a0, 80(t0)
  sd a1, 88(t0)
  sd a2, 96(t0)
  sd a7, 136(t0)
  csrr a0, scause
  ld t0, 104(sp)
  csrw satp, t0
  sfence.vma
  la t0, kernel_trap_entry
  csrw stvec, t0
  ld ra, 0(sp)
  ld s0, 8(sp)
  ld s1, 16(sp)
  ld s2, 24(sp)
  ld s3, 32(sp)
  ld s4, 40(sp)
  ld s5, 48(sp)
  ld s6, 56(sp)
  ld s7, 64(sp)
  ld s8, 72(sp)
  ld s9, 80(sp)
  ld s10, 88(sp)
  ld s11, 96(sp)
  addi sp, sp, 112
  ret

# The program in user mode: asks for its text to be printed, touches a page that is not there yet, and ends.
  .balign 4096
  .globl user_code
user_code:
  li a7, 1
  lla a1, user_text
  li a2, 12
  ecall
  li a0, 0x5000
  li a1, 77
  sd a1, 0(a0)
  ld a0, 0(a0)
  li a7, 2
  ecall
user_text:
  .ascii "hello, user\n"
  .balign 4096

  .bss
  .balign 16
  .globl user_registers
user_registers:
  .space 256
  .balign 16
  .space 16384
stack_top:
