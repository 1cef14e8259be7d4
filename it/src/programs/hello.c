// The first program: what a user compiles to see whether anything works.
#include <stdio.h>

int main(void) {
  printf("hello, world\n");
  return 0;
}
