#include "remuda/wire/builder.h"

#include <limits>

#include "remuda/wire/message.h"
#include "remuda/wire/sqlstate.h"
#include "remuda/wire/startup.h"

namespace remuda::wire {
namespace {

constexpr uint16_t kVariableLength = 0xffff;  // -1
constexpr uint32_t kNull = 0xffffffff;        // -1
constexpr uint32_t kNoModifier = 0xffffffff;  // -1
constexpr uint16_t kTextFormat = 0;

void authentication_request(std::string& out, uint32_t kind, ByteView data) {
  MessageBuilder(out, 'R').u32(kind).bytes(data);
}

void report(std::string& out, char type, const ErrorFields& fields) {
  MessageBuilder builder(out, type);
  builder.u8('S').cstring(fields.severity);
  if (!fields.invariant_severity.empty()) builder.u8('V').cstring(fields.invariant_severity);
  builder.u8('C').cstring(fields.sqlstate.view());
  builder.u8('M').cstring(fields.message);
  if (!fields.detail.empty()) builder.u8('D').cstring(fields.detail);
  builder.u8(0);
}

uint16_t type_length(uint32_t type) noexcept {
  switch (type) {
    case oid::kBool:
      return 1;
    case oid::kInt4:
      return 4;
    case oid::kInt8:
      return 8;
    default:
      return kVariableLength;
  }
}

uint16_t count_of(size_t n) {
  REMUDA_CHECK(n <= static_cast<size_t>(std::numeric_limits<int16_t>::max()));
  return static_cast<uint16_t>(n);
}

uint32_t length_of(ByteView bytes) {
  REMUDA_CHECK(bytes.size() <= static_cast<size_t>(std::numeric_limits<int32_t>::max()));
  return static_cast<uint32_t>(bytes.size());
}

void request(std::string& out, uint32_t code) {
  MessageBuilder(out).u32(code);
}

}  // namespace

MessageBuilder::MessageBuilder(std::string& out) : out_(out), length_at_(out.size()) {
  out_.append(4, '\0');
}

MessageBuilder::MessageBuilder(std::string& out, char type) : out_(out) {
  out_ += type;
  length_at_ = out_.size();
  out_.append(4, '\0');
}

MessageBuilder& MessageBuilder::u8(uint8_t value) {
  out_ += static_cast<char>(value);
  return *this;
}

MessageBuilder& MessageBuilder::u16(uint16_t value) {
  char field[2];
  store_u16(field, value);
  return bytes({field, sizeof field});
}

MessageBuilder& MessageBuilder::u32(uint32_t value) {
  char field[4];
  store_u32(field, value);
  return bytes({field, sizeof field});
}

MessageBuilder& MessageBuilder::cstring(ByteView text) {
  out_ += text.substr(0, text.find('\0'));
  out_ += '\0';
  return *this;
}

MessageBuilder& MessageBuilder::bytes(ByteView bytes) {
  out_ += bytes;
  return *this;
}

void MessageBuilder::finish() noexcept {
  if (!open_) return;
  open_ = false;
  const size_t length = out_.size() - length_at_;
  REMUDA_CHECK(length <= static_cast<size_t>(std::numeric_limits<int32_t>::max()));
  store_u32(out_.data() + length_at_, static_cast<uint32_t>(length));
}

void authentication_ok(std::string& out) {
  authentication_request(out, authentication::kOk, {});
}

void authentication_cleartext(std::string& out) {
  authentication_request(out, authentication::kCleartextPassword, {});
}

void authentication_md5(std::string& out, ByteView salt) {
  REMUDA_CHECK(salt.size() == 4);
  authentication_request(out, authentication::kMd5Password, salt);
}

void authentication_sasl(std::string& out, std::span<const std::string_view> mechanisms) {
  MessageBuilder builder(out, 'R');
  builder.u32(authentication::kSasl);
  for (const std::string_view mechanism : mechanisms) builder.cstring(mechanism);
  builder.u8(0);
}

void authentication_sasl_continue(std::string& out, ByteView data) {
  authentication_request(out, authentication::kSaslContinue, data);
}

void authentication_sasl_final(std::string& out, ByteView data) {
  authentication_request(out, authentication::kSaslFinal, data);
}

void parameter_status(std::string& out, ByteView name, ByteView value) {
  MessageBuilder(out, 'S').cstring(name).cstring(value);
}

void backend_key_data(std::string& out, uint32_t pid, ByteView secret) {
  MessageBuilder(out, 'K').u32(pid).bytes(secret);
}

void ready_for_query(std::string& out, char status) {
  MessageBuilder(out, 'Z').u8(static_cast<uint8_t>(status));
}

void error_response(std::string& out, ByteView severity, const SqlState& state, ByteView message) {
  error_response(out, {.severity = severity, .sqlstate = state, .message = message});
}

void error_response(std::string& out, const ErrorFields& fields) {
  report(out, 'E', fields);
}

void notice_response(std::string& out, ByteView message, ByteView detail) {
  report(out, 'N',
         {.severity = "NOTICE",
          .sqlstate = sqlstate::kSuccessfulCompletion,
          .message = message,
          .detail = detail});
}

void negotiate_protocol_version(std::string& out, uint32_t version,
                                std::span<const std::string> unsupported) {
  MessageBuilder builder(out, 'v');
  builder.u32(version).u32(static_cast<uint32_t>(unsupported.size()));
  for (const std::string& name : unsupported) builder.cstring(name);
}

void row_description(std::string& out, std::span<const Column> columns) {
  MessageBuilder builder(out, 'T');
  builder.u16(count_of(columns.size()));
  for (const Column& column : columns) {
    builder.cstring(column.name);
    builder.u32(0).u16(0);  // of no table
    builder.u32(column.type).u16(type_length(column.type));
    builder.u32(kNoModifier).u16(kTextFormat);
  }
}

void data_row(std::string& out, std::span<const Value> values) {
  MessageBuilder builder(out, 'D');
  builder.u16(count_of(values.size()));
  for (const Value& value : values) {
    if (value) {
      builder.u32(length_of(*value)).bytes(*value);
    } else {
      builder.u32(kNull);
    }
  }
}

void command_complete(std::string& out, ByteView tag) {
  MessageBuilder(out, 'C').cstring(tag);
}

void empty_query_response(std::string& out) {
  const MessageBuilder builder(out, 'I');
}

void startup_message(std::string& out, std::span<const Parameter> parameters, uint32_t version) {
  MessageBuilder builder(out);
  builder.u32(version);
  for (const auto& [name, value] : parameters) builder.cstring(name).cstring(value);
  builder.u8(0);
}

void ssl_request(std::string& out) {
  request(out, kSslRequestCode);
}

void gssenc_request(std::string& out) {
  request(out, kGssencRequestCode);
}

void cancel_request(std::string& out, uint32_t pid, ByteView secret) {
  MessageBuilder(out).u32(kCancelRequestCode).u32(pid).bytes(secret);
}

void password_message(std::string& out, ByteView password) {
  MessageBuilder(out, 'p').cstring(password);
}

void sasl_initial_response(std::string& out, ByteView mechanism, ByteView data) {
  MessageBuilder(out, 'p').cstring(mechanism).u32(length_of(data)).bytes(data);
}

void sasl_response(std::string& out, ByteView data) {
  MessageBuilder(out, 'p').bytes(data);
}

void query(std::string& out, ByteView sql) {
  MessageBuilder(out, 'Q').cstring(sql);
}

void terminate(std::string& out) {
  const MessageBuilder builder(out, 'X');
}

}  // namespace remuda::wire
