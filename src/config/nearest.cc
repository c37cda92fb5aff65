#include "config/nearest.h"

#include <algorithm>
#include <numeric>

namespace remuda::config {
namespace {

constexpr size_t kLongestWord = 64;

// Levenshtein's distance, one row of the matrix at a time.
size_t edits(std::string_view from, std::string_view to) {
  std::vector<size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < from.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < to.size(); ++j) {
      size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  if (word.size() > kLongestWord) return {};
  std::string_view best;
  // Two edits are one pair of letters swapped; a very short word would then be like any other.
  size_t most = word.size() < 3 ? 1 : std::max<size_t>(word.size() / 3, 2);
  size_t fewest = most + 1;
  for (std::string_view candidate : candidates) {
    size_t count = edits(word, candidate);
    if (count >= fewest) continue;
    fewest = count;
    best = candidate;
  }
  return std::string(best);
}

}  // namespace remuda::config
