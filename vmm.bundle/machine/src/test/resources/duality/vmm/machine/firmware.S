# Firmware: prints F, starts what fw_dynamic's words name in S-mode, prints E when it is called, and switches off or, the
# first time, resets the machine (a0 of the call).
  .option norvc
  .globl _start
_start:
  li s0, 0x10000000
  la t0, trap
  csrw mtvec, t0
  bnez a0, bad
  ld t1, 0(a2)
  li t2, 0x4942534f
  bne t1, t2, bad
  ld t1, 24(a2)
  li t2, 1
  bne t1, t2, bad
  li t1, 'F'
  sb t1, 0(s0)
  li t0, -1
  csrw pmpaddr0, t0
  csrwi pmpcfg0, 0x1f
  li t0, 1 << 11
  csrs mstatus, t0
  ld t0, 16(a2)
  csrw mepc, t0
  mret
bad:
  li t1, '!'
  sb t1, 0(s0)
  li t1, 0x13333
  j end
  .balign 4
trap:
  csrr t0, mcause
  li t1, 9
  bne t0, t1, bad
  li t1, 'E'
  sb t1, 0(s0)
  mv t1, a0
end:
  li t0, 0x100000
  sw t1, 0(t0)
1:
  j 1b
