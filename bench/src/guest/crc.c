// CRC-32 (the polynomial of Ethernet, reflected) bit by bit: shifts, tests and unpredictable
// branches.
#include "mix.h"

uint32_t crc_of(uint32_t crc, uint32_t word) {
  crc ^= word;
  for (int bit = 0; bit < 32; bit++) {
    if (crc & 1) {
      crc = crc >> 1 ^ 0xedb88320u;
    } else {
      crc >>= 1;
    }
  }
  return crc;
}
