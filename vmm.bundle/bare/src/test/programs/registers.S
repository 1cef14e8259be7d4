// Machine registers that programs look for: identification, absent triggers, absent event counters, ctzw and cousins.
#include "bare.h"
  csrr a0, mhartid
  check a0, 0
  csrr a0, misa
  srli a0, a0, 62
  check a0, 2
  csrr a0, mimpid
  csrr a0, marchid
  csrr a0, mvendorid
  csrr a0, mconfigptr
  // There is no trigger: the register that selects one stays zero.
  li t0, -1
  csrw tselect, t0
  csrr a0, tselect
  check a0, 0
  csrr a0, tdata1
  check a0, 0
  // No resumable non-maskable interrupts.
  expect 1f
  csrwi 0x744, 8
  j failed
1:
  check s10, 2
  csrr a0, mhpmcounter3
  check a0, 0
  csrwi minstret, 0
  csrr a0, minstret
  check a0, 0
  li t0, 1 << 40
  ctzw a0, t0
  check a0, 32
  czero_eqz_word: .word 0x0e62d533 // czero.eqz a0, t0, t1
  j passed
