#include "daemon/passed_sockets.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "daemon/environment.h"

namespace remuda::daemon {
namespace {

constexpr int kFirst = 3;
constexpr int64_t kMost = 1000;  // beyond any unit's

// The names are separated by colons.
std::string name_of(int index) {
  const char* text = std::getenv("LISTEN_FDNAMES");
  std::string_view names = text ? text : "";
  for (; index > 0; --index) {
    const size_t colon = names.find(':');
    if (colon == names.npos) return {};
    names.remove_prefix(colon + 1);
  }
  return std::string(names.substr(0, names.find(':')));
}

}  // namespace

int passed_socket_count() {
  if (environment_number("LISTEN_PID") != ::getpid()) return 0;
  return static_cast<int>(std::min(environment_number("LISTEN_FDS"), kMost));
}

PassedSocket take_passed_socket(int index) {
  return {io::FileDescriptor(kFirst + index), name_of(index)};
}

}  // namespace remuda::daemon
