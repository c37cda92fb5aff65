#include "io/guard.h"

#include <cstdlib>
#include <exception>

#include "remuda/base/log.h"

namespace remuda::io {

void escaped() noexcept {
  try {
    throw;
  } catch (const std::exception& error) {
    log::fatal("internal error: exception in a callback: {}", error.what());
  } catch (...) {
    log::fatal("internal error: exception in a callback");
  }
  std::abort();
}

}  // namespace remuda::io
