// Counts calls of operator new in this test program.
#pragma once

#include <cstdint>

namespace remuda::session::test {

uint64_t allocations() noexcept;

}  // namespace remuda::session::test
