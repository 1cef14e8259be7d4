#include "bare.h"
1: j 1b
