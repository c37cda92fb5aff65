#include "remuda/base/error.h"

#include <cstdio>
#include <cstdlib>

namespace remuda {

void check_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "remuda: internal error: %s does not hold (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace remuda
