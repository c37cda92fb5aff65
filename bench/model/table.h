// --table: predictions for lists of cores, workers, pool sizes and clients, as text and curves.
#pragma once

#include "model/costs.h"
#include "model/options.h"
#include "model/setup.h"

namespace remuda::bench::model {

// Returns the exit code. `setup` is what all rows have in common.
int print_table(const Options& options, const Setup& setup, const Costs& costs);

}  // namespace remuda::bench::model
