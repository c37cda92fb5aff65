// One prediction in plain text.
#pragma once

#include <string>
#include <vector>

#include "model/setup.h"

namespace remuda::bench::model {

// "1.23 ms" or "45 us".
std::string time_text(double us);
std::string count_text(double value);  // 1234567 -> "1,234,567"
std::string percent_text(double share);
std::string report(const Setup& setup, const Result& result);
// What the bottleneck means and what would help.
std::string explain(const Setup& setup, const Result& result);
// Columns aligned: the first to the left, the others to the right.
std::string grid(const std::vector<std::vector<std::string>>& rows);

}  // namespace remuda::bench::model
