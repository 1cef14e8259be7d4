#include "bare.h"
  j passed
