// Appends messages to a string, ready to be sent. A text field ends at its first NUL whatever is
// behind it, so that nothing can smuggle a second field in. Any thread.
// PostgreSQL manual, Frontend/Backend Protocol, Message Formats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "remuda/base/bytes.h"
#include "remuda/base/error.h"
#include "remuda/wire/notice.h"

namespace remuda::wire {

// One message: opened by the constructor, its length filled in by finish() or the destructor.
class MessageBuilder {
 public:
  MessageBuilder(std::string& out, char type);
  // Without a type byte, as startup packets are.
  explicit MessageBuilder(std::string& out);
  ~MessageBuilder() { finish(); }
  MessageBuilder(const MessageBuilder&) = delete;
  MessageBuilder& operator=(const MessageBuilder&) = delete;

  MessageBuilder& u8(uint8_t value);
  MessageBuilder& u16(uint16_t value);
  MessageBuilder& u32(uint32_t value);
  MessageBuilder& cstring(ByteView text);
  MessageBuilder& bytes(ByteView bytes);
  void finish() noexcept;

 private:
  std::string& out_;
  size_t length_at_;
  bool open_ = true;
};

// Types of result columns, by their OID.
namespace oid {
inline constexpr uint32_t kBool = 16;
inline constexpr uint32_t kBytea = 17;
inline constexpr uint32_t kInt8 = 20;
inline constexpr uint32_t kInt4 = 23;
inline constexpr uint32_t kText = 25;
inline constexpr uint32_t kNumeric = 1700;
}  // namespace oid

struct Column {
  std::string_view name;
  uint32_t type = oid::kText;
};

using Parameter = std::pair<std::string, std::string>;
using Value = std::optional<std::string>;  // nothing = NULL

// What a server says.
void authentication_ok(std::string& out);
void authentication_cleartext(std::string& out);
void authentication_md5(std::string& out, ByteView salt);  // 4 bytes
void authentication_sasl(std::string& out, std::span<const std::string_view> mechanisms);
void authentication_sasl_continue(std::string& out, ByteView data);
void authentication_sasl_final(std::string& out, ByteView data);
void parameter_status(std::string& out, ByteView name, ByteView value);
// The secret is of any length: four bytes in protocol 3.0, up to 256 in 3.2.
void backend_key_data(std::string& out, uint32_t pid, ByteView secret);
void ready_for_query(std::string& out, char status);
void error_response(std::string& out, ByteView severity, const SqlState& state, ByteView message);
// Severity, SQLSTATE and message, and of the others what is not empty; no hint and no routine.
void error_response(std::string& out, const ErrorFields& fields);
// A NOTICE of successful completion.
void notice_response(std::string& out, ByteView message, ByteView detail = {});
// `version` as in a startup packet, so 3.0 is 0x00030000.
void negotiate_protocol_version(std::string& out, uint32_t version,
                                std::span<const std::string> unsupported);
// Columns of no table, in text format.
void row_description(std::string& out, std::span<const Column> columns);
void data_row(std::string& out, std::span<const Value> values);
void command_complete(std::string& out, ByteView tag);
void empty_query_response(std::string& out);

// What a client says.
void startup_message(std::string& out, std::span<const Parameter> parameters, uint32_t version);
void ssl_request(std::string& out);
void gssenc_request(std::string& out);
void cancel_request(std::string& out, uint32_t pid, ByteView secret);
void password_message(std::string& out, ByteView password);
void sasl_initial_response(std::string& out, ByteView mechanism, ByteView data);
void sasl_response(std::string& out, ByteView data);
void query(std::string& out, ByteView sql);
void terminate(std::string& out);

}  // namespace remuda::wire
