// The first packet of a connection, and the options in it. Input: what a peer sends first.
#include <cstddef>
#include <cstdint>
#include <variant>

#include "remuda/base/error.h"
#include "remuda/wire/builder.h"
#include "remuda/wire/startup.h"

namespace remuda::wire {
namespace {

using Status = StartupParse::Status;

void check_options(ByteView text) {
  const StartupOptions options = split_options(text);
  REMUDA_CHECK(options.error.empty() || options.settings.empty());
  for (const auto& [name, value] : options.settings) {
    REMUDA_CHECK(!name.empty() && name.size() + value.size() < text.size());
  }
}

// What was parsed can be built, and parsed again to the same.
void check_startup(const Startup& startup) {
  std::string built;
  startup_message(built, startup.parameters, kProtocol3);
  const StartupParse again = parse_startup(built);
  REMUDA_CHECK(again.status == Status::packet && again.consumed == built.size());
  REMUDA_CHECK(std::get<Startup>(again.packet).parameters == startup.parameters);
  if (const std::string* options = startup.find("options")) check_options(*options);
}

void check(ByteView bytes) {
  const StartupParse parse = parse_startup(bytes);
  REMUDA_CHECK((parse.status == Status::malformed) == !parse.error.empty());
  check_options(bytes);
  if (parse.status == Status::need_more) REMUDA_CHECK(bytes.size() < kMaxStartupLength);
  if (parse.status != Status::packet) return;
  REMUDA_CHECK(parse.consumed >= kMinStartupLength && parse.consumed <= bytes.size());
  REMUDA_CHECK(parse_startup(bytes.substr(0, parse.consumed - 1)).status == Status::need_more);
  if (const auto* startup = std::get_if<Startup>(&parse.packet)) check_startup(*startup);
}

}  // namespace
}  // namespace remuda::wire

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  remuda::wire::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
