// Multiplies matrices of 16-bit numbers: loops with known bounds, multiplications, regular loads.
#include "mix.h"

enum { SIZE = 16 };

static int16_t a[SIZE][SIZE];
static int16_t b[SIZE][SIZE];
static int32_t product[SIZE][SIZE];

static void multiply(void) {
  for (int row = 0; row < SIZE; row++) {
    for (int column = 0; column < SIZE; column++) {
      int32_t sum = 0;
      for (int k = 0; k < SIZE; k++) {
        sum += a[row][k] * b[k][column];
      }
      product[row][column] = sum;
    }
  }
}

// The same with some bits of each product cut out, which no compiler turns into something else.
static void multiply_bits(void) {
  for (int row = 0; row < SIZE; row++) {
    for (int column = 0; column < SIZE; column++) {
      int32_t sum = 0;
      for (int k = 0; k < SIZE; k++) {
        int32_t term = a[row][k] * b[k][column];
        sum += (term >> 2 & 15) * (term >> 5 & 127);
      }
      product[row][column] += sum;
    }
  }
}

// A running sum that starts again when it has grown too large: branches that depend on data.
static uint32_t clipped_sum(void) {
  int32_t sum = 0;
  int32_t last = 0;
  uint32_t result = 0;
  for (int row = 0; row < SIZE; row++) {
    for (int column = 0; column < SIZE; column++) {
      sum += product[row][column] % 4096;
      if (sum > 10000) {
        result += 10;
        sum = 0;
      } else {
        result += product[row][column] > last;
      }
      last = product[row][column];
    }
  }
  return result;
}

uint32_t multiply_matrices(uint32_t seed) {
  for (int row = 0; row < SIZE; row++) {
    for (int column = 0; column < SIZE; column++) {
      a[row][column] = (int16_t)(next_random(&seed) % 1024 - 512);
      b[row][column] = (int16_t)(next_random(&seed) % 1024 - 512);
    }
  }
  multiply();
  uint32_t crc = crc_of(~0u, clipped_sum());
  multiply_bits();
  crc = crc_of(crc, clipped_sum());
  for (int row = 0; row < SIZE; row++) {
    crc = crc_of(crc, (uint32_t)product[row][row]);
  }
  return crc;
}
