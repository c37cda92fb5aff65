// Ident files. Input: a line with the system name, a line with the database user, then the text of
// a file, which may include itself as "main".
#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "auth/ident_map.h"
#include "remuda/base/error.h"

namespace remuda::auth {
namespace {

constexpr int kMaxOpened = 20;  // more only takes time
constexpr size_t kMaxName = 200;

std::string take_line(std::string& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  std::string line = text.substr(0, std::min(end, kMaxName));
  text.erase(0, end + 1);
  line.erase(std::min(line.find('\0'), line.size()));
  return line;
}

void check(std::string text) {
  const std::string system = take_line(text);
  const std::string user = take_line(text);
  const auto read = [&text, opened = 0](const std::string& path) mutable {
    if (path != "main" || ++opened > kMaxOpened) throw SystemError(ENOENT, path);
    return text;
  };
  const auto list = [](const std::string&) { return std::vector<std::string>{"a.conf"}; };
  std::vector<std::string> messages;
  const IdentMaps maps = IdentMaps::read("main", {read, list}, messages);
  REMUDA_CHECK(messages.size() <= kMaxHbaMessages + 1);
  REMUDA_CHECK(maps.allows("", system, user) == (system == user));
  REMUDA_CHECK(!maps.allows("m", system, user) || maps.has("m"));
}

}  // namespace
}  // namespace remuda::auth

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  remuda::auth::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
