// What the parts of mix know about each other. Each part takes a seed, works on memory of its own,
// and returns a checksum over all that it did, so nothing can be left out.
#pragma once

#include <stdint.h>

uint32_t crc_of(uint32_t crc, uint32_t word);   // crc.c
uint32_t process_list(uint32_t seed);           // list.c
uint32_t multiply_matrices(uint32_t seed);      // matrix.c
uint32_t recognise_numbers(uint32_t seed);      // states.c

// A small generator of pseudo-random numbers (Marsaglia's xorshift, 2003); never give it 0.
static inline uint32_t next_random(uint32_t *state) {
  uint32_t x = *state;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return *state = x;
}
