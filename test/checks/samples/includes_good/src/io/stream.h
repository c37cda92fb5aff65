#include <uv.h>

#include "io/loop.h"
#include "remuda/base/time.h"
