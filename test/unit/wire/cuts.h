// Ways in which a network may cut a stream: whole, byte by byte, and in two at each position.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "remuda/base/bytes.h"

namespace remuda::test {

using Pieces = std::vector<ByteView>;

inline std::vector<Pieces> all_cuts(ByteView bytes) {
  std::vector<Pieces> cuts{{bytes}};
  Pieces single;
  for (size_t i = 0; i < bytes.size(); ++i) single.push_back(bytes.substr(i, 1));
  cuts.push_back(single);
  for (size_t i = 1; i < bytes.size(); ++i) cuts.push_back({bytes.substr(0, i), bytes.substr(i)});
  return cuts;
}

// A string literal with its zero bytes, without the last.
template <size_t N>
std::string bytes_of(const char (&literal)[N]) {
  return {literal, N - 1};
}

}  // namespace remuda::test
