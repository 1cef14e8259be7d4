#include "bare.h"
  li s11, 21
  j failed
