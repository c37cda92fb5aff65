// Which known word a mistyped one was meant to be. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace remuda::config {

// The candidate with the fewest edits from `word`; empty if none is near enough to be meant.
std::string nearest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace remuda::config
