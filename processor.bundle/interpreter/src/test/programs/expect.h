// For programs that know themselves what they must see. What is not met is printed.
#include "program.h"

static uint64_t expectations, failures;

static void expect(const char *what, uint64_t wanted, uint64_t got) {
  expectations++;
  if (got != wanted) {
    failures++;
    print(what);
    print(": ");
    print_hex(got);
    show(" in place of", wanted);
  }
}

static void show_expectations(void) {
  show("expectations", expectations);
  show("not met", failures);
}
