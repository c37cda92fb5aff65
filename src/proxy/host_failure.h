// What a check that failed says of its host. Control thread.
#pragma once

#include "route/host_health.h"

namespace remuda::proxy {

// Of the exception in flight. A server that says no is there, unless it is coming up or going down.
route::HealthSample sample_of_failure();

}  // namespace remuda::proxy
