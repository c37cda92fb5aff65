#include "io/loop.h"  // bad
#include "remuda/session/egress.h"  // bad
#include "wire/frame.h"
