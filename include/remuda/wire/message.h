// The table of message types: what is known, and how much of each is read rather than passed on.
// The same byte means different things in the two directions. Constant; any thread.
// PostgreSQL manual, Frontend/Backend Protocol, Message Formats.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace remuda::wire {

enum class Direction : uint8_t { frontend, backend };

// How much of a body we must see to pass the message on rightly.
enum class Reads : uint8_t {
  none,    // its type is enough
  prefix,  // the fields at its beginning; the rest streams
  whole,
};

struct MessageType {
  char type;
  std::string_view name;
  Direction direction;
  Reads reads;
};

inline constexpr std::array kFrontendMessages{
    MessageType{'B', "Bind", Direction::frontend, Reads::prefix},
    MessageType{'C', "Close", Direction::frontend, Reads::whole},
    MessageType{'D', "Describe", Direction::frontend, Reads::whole},
    MessageType{'E', "Execute", Direction::frontend, Reads::none},
    MessageType{'F', "FunctionCall", Direction::frontend, Reads::none},
    MessageType{'H', "Flush", Direction::frontend, Reads::none},
    MessageType{'P', "Parse", Direction::frontend, Reads::whole},
    MessageType{'Q', "Query", Direction::frontend, Reads::prefix},
    MessageType{'S', "Sync", Direction::frontend, Reads::none},
    MessageType{'X', "Terminate", Direction::frontend, Reads::none},
    MessageType{'c', "CopyDone", Direction::frontend, Reads::none},
    MessageType{'d', "CopyData", Direction::frontend, Reads::none},
    MessageType{'f', "CopyFail", Direction::frontend, Reads::none},
    MessageType{'p', "PasswordMessage", Direction::frontend, Reads::whole},
};

inline constexpr std::array kBackendMessages{
    MessageType{'1', "ParseComplete", Direction::backend, Reads::none},
    MessageType{'2', "BindComplete", Direction::backend, Reads::none},
    MessageType{'3', "CloseComplete", Direction::backend, Reads::none},
    MessageType{'A', "NotificationResponse", Direction::backend, Reads::none},
    MessageType{'C', "CommandComplete", Direction::backend, Reads::whole},
    MessageType{'D', "DataRow", Direction::backend, Reads::none},
    MessageType{'E', "ErrorResponse", Direction::backend, Reads::whole},
    MessageType{'G', "CopyInResponse", Direction::backend, Reads::none},
    MessageType{'H', "CopyOutResponse", Direction::backend, Reads::none},
    MessageType{'I', "EmptyQueryResponse", Direction::backend, Reads::none},
    MessageType{'K', "BackendKeyData", Direction::backend, Reads::whole},
    MessageType{'N', "NoticeResponse", Direction::backend, Reads::none},
    MessageType{'R', "Authentication", Direction::backend, Reads::whole},
    MessageType{'S', "ParameterStatus", Direction::backend, Reads::whole},
    MessageType{'T', "RowDescription", Direction::backend, Reads::none},
    MessageType{'V', "FunctionCallResponse", Direction::backend, Reads::none},
    MessageType{'W', "CopyBothResponse", Direction::backend, Reads::none},
    MessageType{'Z', "ReadyForQuery", Direction::backend, Reads::whole},
    MessageType{'c', "CopyDone", Direction::backend, Reads::none},
    MessageType{'d', "CopyData", Direction::backend, Reads::none},
    MessageType{'n', "NoData", Direction::backend, Reads::none},
    MessageType{'s', "PortalSuspended", Direction::backend, Reads::none},
    MessageType{'t', "ParameterDescription", Direction::backend, Reads::none},
    MessageType{'v', "NegotiateProtocolVersion", Direction::backend, Reads::whole},
};

// What an Authentication message asks for: its first field.
namespace authentication {
inline constexpr uint32_t kOk = 0;
inline constexpr uint32_t kCleartextPassword = 3;
inline constexpr uint32_t kMd5Password = 5;
inline constexpr uint32_t kSasl = 10;
inline constexpr uint32_t kSaslContinue = 11;
inline constexpr uint32_t kSaslFinal = 12;
}  // namespace authentication

// One entry per byte: position in the table plus one, or zero for an unknown type.
constexpr std::array<uint8_t, 256> index_by_type(std::span<const MessageType> table) {
  std::array<uint8_t, 256> index{};
  for (size_t i = 0; i < table.size(); ++i) {
    index[static_cast<unsigned char>(table[i].type)] = static_cast<uint8_t>(i + 1);
  }
  return index;
}

inline constexpr auto kFrontendIndex = index_by_type(kFrontendMessages);
inline constexpr auto kBackendIndex = index_by_type(kBackendMessages);

// What a client's message of this type is; nullptr when there is no such type.
constexpr const MessageType* frontend_message(char type) noexcept {
  const uint8_t at = kFrontendIndex[static_cast<unsigned char>(type)];
  return at == 0 ? nullptr : &kFrontendMessages[at - 1u];
}

// The same for a server's message.
constexpr const MessageType* backend_message(char type) noexcept {
  const uint8_t at = kBackendIndex[static_cast<unsigned char>(type)];
  return at == 0 ? nullptr : &kBackendMessages[at - 1u];
}

}  // namespace remuda::wire
