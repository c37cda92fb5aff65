// Curves over the number of workers as an SVG file: a panel per pair of cores and clients, a line
// per pool size; throughput above, p99 below.
#pragma once

#include <string>
#include <vector>

#include "model/setup.h"

namespace remuda::bench::model {

struct Prediction {
  Setup setup;
  Result result;
};

std::string curves(const std::vector<Prediction>& predictions, const std::string& caption);

}  // namespace remuda::bench::model
