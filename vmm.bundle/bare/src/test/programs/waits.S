#include "bare.h"
  csrw mie, zero
  wfi
  j passed
