#include "wire/frame.h"
#include "io/loop.h"                // bad
#include "remuda/session/egress.h"  // bad
