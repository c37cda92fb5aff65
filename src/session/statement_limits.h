// Bounds of what is kept about prepared statements. Used by the conversation only.
#pragma once

#include <cstddef>

namespace remuda::session {

constexpr size_t kMostStatements = 16 * 1024;  // of one client
constexpr size_t kMostEvictions = 4;           // for one statement

}  // namespace remuda::session
