// Prints its arguments, how many environment variables it has, and exits with the number of
// arguments.
#include <stdio.h>

int main(int count, char **arguments, char **environment) {
  int variables = 0;
  while (environment[variables] != NULL) {
    variables++;
  }
  printf("%d arguments, %d variables\n", count - 1, variables);
  for (int i = 1; i < count; i++) {
    printf("%d: %s\n", i, arguments[i]);
  }
  return count - 1;
}
