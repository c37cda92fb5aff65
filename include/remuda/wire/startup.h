// The packets that open a connection. They carry no type byte: a length, then a code that is either
// a protocol version or a request. Nothing here trusts the peer, who has not proved anything yet.
// Pure; any thread.
// PostgreSQL manual, Frontend/Backend Protocol, Message Formats: StartupMessage, SSLRequest,
// GSSENCRequest, CancelRequest; Protocol Flow: Start-up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "remuda/base/bytes.h"

namespace remuda::wire {

constexpr uint32_t kProtocol2 = 0x00020000;
constexpr uint32_t kProtocol3 = 0x00030000;
constexpr uint32_t kProtocol32 = 0x00030002;  // longer cancel keys
constexpr uint32_t kCancelRequestCode = 80877102;
constexpr uint32_t kSslRequestCode = 80877103;
constexpr uint32_t kGssencRequestCode = 80877104;

// What we speak with a client that asks for 3.`minor`. There never was a 3.1.
constexpr uint32_t best_version(uint16_t minor) noexcept {
  return minor >= 2 ? kProtocol32 : kProtocol3;
}

constexpr uint32_t kMinStartupLength = 8;
constexpr uint32_t kMaxStartupLength = 64 * 1024 - 1;
constexpr size_t kMinCancelSecret = 4;
constexpr size_t kMaxCancelSecret = 256;

struct SslRequest {};
struct GssencRequest {};

struct CancelRequest {
  uint32_t pid = 0;
  std::string secret;  // four bytes from protocol 3.0, longer from 3.2
};

struct Startup {
  uint16_t major = 3;
  uint16_t minor = 0;
  std::vector<std::pair<std::string, std::string>> parameters;  // as they came, repeats and all

  // The last value of a name, as the server takes it; nullptr without one.
  const std::string* find(ByteView name) const noexcept;
};

using StartupPacket = std::variant<SslRequest, GssencRequest, CancelRequest, Startup>;

struct StartupParse {
  enum class Status : uint8_t { need_more, packet, malformed };

  Status status = Status::need_more;
  size_t consumed = 0;   // of the bytes given, when there is a packet
  StartupPacket packet;  // when there is one
  std::string error;     // when malformed: what the client is told
};

// The first packet of `bytes`. Call it again with more bytes from the same beginning on need_more;
// it never asks for more than kMaxStartupLength.
StartupParse parse_startup(ByteView bytes);

// A TLS handshake without an SSLRequest before it: the first byte is that of a TLS record.
constexpr bool is_tls_hello(ByteView bytes) noexcept {
  return !bytes.empty() && bytes[0] == 0x16;
}

// The `options` parameter, split into settings.
struct StartupOptions {
  std::vector<std::pair<std::string, std::string>> settings;
  std::string error;  // not empty: what the client is told
};

// Takes -c k=v, -ck=v and --k=v; a backslash takes the next character as it is. As in PostgreSQL a
// dash in a name stands for an underscore.
StartupOptions split_options(ByteView text);

}  // namespace remuda::wire
