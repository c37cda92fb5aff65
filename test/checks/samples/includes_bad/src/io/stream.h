#include <remuda/proxy/lease.h>  // bad
#include "../io/loop.h"          // bad
#include "proxy/client.h"        // bad
#include "remuda/base/time.h"
