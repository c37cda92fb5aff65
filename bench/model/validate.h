// --validate: the measured points of bench/run against the model's.
#pragma once

#include <string>

#include "model/costs.h"

namespace remuda::bench::model {

// Returns the exit code: 0 also when they differ, as the table tells by how much.
int validate(const std::string& path, const Costs& costs);

}  // namespace remuda::bench::model
