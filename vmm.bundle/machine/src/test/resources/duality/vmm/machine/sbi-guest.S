# A guest that tries the SBI's calls on a real hart, and prints a letter for each that did what it should, or X and
# the end. It is a flat Image: the first 64 bytes are the header that Linux's Image has.
#
# sbi-guest.hex is made from it by
#   riscv64-linux-gnu-gcc -march=rv64ima_zicsr_zifencei -mabi=lp64 -nostdlib -static -Ttext=0x80200000 -o g.elf sbi-guest.S
#   riscv64-linux-gnu-objcopy -O binary -j .text g.elf g.bin && xxd -p g.bin
  .option norvc
  .option norelax
  .globl _start
_start:
  j go
  .word 0
  .dword 0x200000
  .dword 0x1000
  .dword 0
  .word 2
  .word 0
  .dword 0
  .dword 0x5643534952
  .word 0x05435352
  .word 0
go:
  lla sp, end + 1024
  li s1, 0x123456789
  # TIME: ten milliseconds from now, seen by wfi
  rdtime a0
  li t0, 100000
  add s2, a0, t0
  mv a0, s2
  li a7, 0x54494D45
  li a6, 0
  ecall
  bnez a0, fail
  li t0, 32
  csrs sie, t0
1: wfi
  csrr t0, sip
  andi t0, t0, 32
  beqz t0, 1b
  rdtime t0
  bltu t0, s2, fail
  li a0, 'T'
  call put
  li a0, -1
  li a7, 0x54494D45
  li a6, 0
  ecall
  csrr t0, sip
  andi t0, t0, 32
  bnez t0, fail
  li a0, 't'
  call put
  # IPI to itself
  li a0, 1
  li a1, 0
  li a7, 0x735049
  li a6, 0
  ecall
  bnez a0, fail
  csrr t0, sip
  andi t0, t0, 2
  beqz t0, fail
  csrci sip, 2
  li a0, 'I'
  call put
  # SBI 0.1: an interrupt to the harts of a mask in memory, a character; a1 is not theirs
  lla a0, mask
  li a1, 0x77
  li a7, 4
  ecall
  bnez a0, fail
  csrr t0, sip
  andi t0, t0, 2
  beqz t0, fail
  csrci sip, 2
  li a0, 'L'
  li a7, 1
  ecall
  bnez a0, fail
  li t0, 0x77
  bne a1, t0, fail
  # RFENCE: code that was changed is seen after a remote fence.i
  lla t0, patch
  lla t1, other
  lw t1, 0(t1)
  call patch
  bnez a0, fail
  sw t1, 0(t0)
  li a0, 0
  li a1, -1
  li a7, 0x52464E43
  li a6, 0
  ecall
  bnez a0, fail
  call patch
  li t0, 1
  bne a0, t0, fail
  li a0, 'F'
  call put
  # DBCN: a text, then a place where no memory is
  li a0, 5
  lla a1, text
  li a2, 0
  li a7, 0x4442434E
  li a6, 0
  ecall
  bnez a0, fail
  li t0, 5
  bne a1, t0, fail
  li a0, 5
  li a1, 0x10000000
  li a2, 0
  ecall
  li t0, -3
  bne a0, t0, fail
  li a0, 'H'
  call put
  # DBCN: input
2: li a0, 16
  lla a1, end
  li a2, 0
  li a7, 0x4442434E
  li a6, 1
  ecall
  bnez a0, fail
  beqz a1, 2b
  lla t0, end
  lbu a0, 0(t0)
  call put
  # a hole in the memory map
  lla t0, trap
  csrw stvec, t0
  li t0, 0x40000000
  lw t1, 0(t0)
  j fail
  .balign 4
trap:
  csrr t0, scause
  li t1, 5
  bne t0, t1, fail
  csrr t0, stval
  li t1, 0x40000000
  bne t0, t1, fail
  li t0, 0x123456789
  bne t0, s1, fail
  li a0, 'A'
  call put
  li a0, 0
  li a1, 0
  j reset
fail:
  li a0, 'X'
  call put
  li a0, 0
  li a1, 1
reset:
  li a7, 0x53525354
  li a6, 0
  ecall
3: j 3b
put:
  li a7, 0x4442434E
  li a6, 2
  ecall
  ret
patch:
  li a0, 0
  ret
other:
  li a0, 1
text:
  .ascii "hello"
  .balign 8
mask:
  .dword 1
end:
