#include "remuda/wire/startup.h"

#include <algorithm>

#include "remuda/wire/frame.h"
#include "remuda/wire/reader.h"

namespace remuda::wire {
namespace {

constexpr const char* kBadLayout =
    "invalid startup packet layout: expected terminator as last byte";
constexpr const char* kBadOptions =
    "unsupported options startup parameter: only '-c config=val' and '--config=val' are allowed";

StartupParse malformed(std::string error) {
  StartupParse parse;
  parse.status = StartupParse::Status::malformed;
  parse.error = std::move(error);
  return parse;
}

StartupParse packet(size_t consumed, StartupPacket packet) {
  StartupParse parse;
  parse.status = StartupParse::Status::packet;
  parse.consumed = consumed;
  parse.packet = std::move(packet);
  return parse;
}

// Requests are recognised by code and length, before any of the body is waited for.
bool is_known(uint32_t length, uint32_t code) noexcept {
  switch (code) {
    case kSslRequestCode:
    case kGssencRequestCode:
      return length == kMinStartupLength;
    case kCancelRequestCode:
      return length >= 12 + kMinCancelSecret && length <= 12 + kMaxCancelSecret;
    default:
      return code >> 16 == 3;
  }
}

// Pairs of strings, then an empty name as the very last byte.
StartupParse parse_parameters(size_t length, uint32_t code, ByteView body) {
  Startup startup;
  startup.major = static_cast<uint16_t>(code >> 16);
  startup.minor = static_cast<uint16_t>(code);
  Reader reader(body);
  while (true) {
    const ByteView name = reader.cstring();
    if (name.empty()) break;
    const ByteView value = reader.cstring();
    startup.parameters.emplace_back(name, value);
  }
  if (!reader.done()) return malformed(kBadLayout);
  return packet(length, std::move(startup));
}

StartupParse parse_body(size_t length, uint32_t code, ByteView body) {
  switch (code) {
    case kSslRequestCode:
      return packet(length, SslRequest{});
    case kGssencRequestCode:
      return packet(length, GssencRequest{});
    case kCancelRequestCode:
      return packet(length, CancelRequest{load_u32(body.data()), std::string(body.substr(4))});
    default:
      return parse_parameters(length, code, body);
  }
}

bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

// Cuts `options` into words at blanks, minding backslashes.
class Words {
 public:
  explicit Words(ByteView text) noexcept : left_(text) {}

  bool starts_with(ByteView prefix) const noexcept { return left_.starts_with(prefix); }
  void skip(size_t n) noexcept { left_.remove_prefix(n); }
  bool at_end() const noexcept { return left_.empty(); }

  void skip_blanks() noexcept {
    while (!left_.empty() && is_blank(left_[0])) left_.remove_prefix(1);
  }

  std::string word() {
    std::string word;
    while (!left_.empty() && !is_blank(left_[0])) {
      if (left_[0] == '\\' && left_.size() > 1) left_.remove_prefix(1);
      word += left_[0];
      left_.remove_prefix(1);
    }
    return word;
  }

 private:
  ByteView left_;
};

// The word of the next setting, without its dashes; empty when it is of another form.
std::string next_setting(Words& words) {
  if (words.starts_with("-c")) {
    words.skip(2);
    words.skip_blanks();
    return words.word();
  }
  if (!words.starts_with("--")) return {};
  words.skip(2);
  return words.word();
}

}  // namespace

const std::string* Startup::find(ByteView name) const noexcept {
  const auto at = std::find_if(parameters.rbegin(), parameters.rend(),
                               [&](const auto& pair) { return pair.first == name; });
  return at == parameters.rend() ? nullptr : &at->second;
}

StartupParse parse_startup(ByteView bytes) {
  if (bytes.size() < 4) return {};
  const uint32_t length = load_u32(bytes.data());
  if (length < kMinStartupLength) return malformed(bad_header_text(bytes));
  if (bytes.size() < kMinStartupLength) return {};
  const uint32_t code = load_u32(bytes.data() + 4);
  if (length > kMaxStartupLength) return malformed(bad_header_text(bytes));
  if (code == kProtocol2) return malformed("old V2 protocol not supported");
  if (!is_known(length, code)) return malformed(bad_header_text(bytes));
  if (bytes.size() < length) return {};
  return parse_body(length, code, bytes.substr(8, length - 8));
}

StartupOptions split_options(ByteView text) {
  StartupOptions options;
  Words words(text);
  for (words.skip_blanks(); !words.at_end(); words.skip_blanks()) {
    const std::string word = next_setting(words);
    const size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      options.settings.clear();
      options.error = kBadOptions;
      return options;
    }
    std::string name = word.substr(0, equals);
    std::replace(name.begin(), name.end(), '-', '_');
    options.settings.emplace_back(std::move(name), word.substr(equals + 1));
  }
  return options;
}

}  // namespace remuda::wire
