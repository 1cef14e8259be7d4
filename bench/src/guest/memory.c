// The two functions that the compiler calls on its own account, for large initialisers and copies.
#include <stddef.h>

void *memset(void *to, int value, size_t size) {
  for (size_t i = 0; i < size; i++) {
    ((char *)to)[i] = (char)value;
  }
  return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
  for (size_t i = 0; i < size; i++) {
    ((char *)to)[i] = ((const char *)from)[i];
  }
  return to;
}
