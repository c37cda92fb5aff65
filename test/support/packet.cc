#include "support/packet.h"

#include <stdexcept>

namespace remuda::test {
namespace {

constexpr uint32_t kCancelNumber = 80877102;
constexpr uint32_t kSslNumber = 80877103;
constexpr uint32_t kGssNumber = 80877104;

uint32_t read_be32(std::string_view bytes) {
  uint32_t value = 0;
  for (const char c : bytes.substr(0, 4)) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

}  // namespace

std::string be16(int value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string be32(uint32_t value) {
  return be16(static_cast<int>(value >> 16)) + be16(static_cast<int>(value & 0xffff));
}

std::string cstr(std::string_view text) {
  return std::string(text) + '\0';
}

std::string packet(char type, std::string_view body) {
  return type + untyped(body);
}

std::string untyped(std::string_view body) {
  return be32(static_cast<uint32_t>(body.size() + 4)) + std::string(body);
}

std::string startup(const Parameters& parameters, uint32_t version) {
  std::string body = be32(version);
  for (const auto& [name, value] : parameters) body += cstr(name) + cstr(value);
  return untyped(body + '\0');
}

std::string ssl_request() {
  return untyped(be32(kSslNumber));
}
std::string gss_request() {
  return untyped(be32(kGssNumber));
}

std::string cancel_request(std::string_view key) {
  return untyped(be32(kCancelNumber) + std::string(key));
}

std::string query(std::string_view sql) {
  return packet('Q', cstr(sql));
}

std::string parse(std::string_view name, std::string_view sql) {
  return packet('P', cstr(name) + cstr(sql) + be16(0));
}

std::string bind(std::string_view portal, std::string_view statement) {
  return packet('B', cstr(portal) + cstr(statement) + be16(0) + be16(0) + be16(0));
}

std::string describe(char kind, std::string_view name) {
  return packet('D', kind + cstr(name));
}
std::string close_of(char kind, std::string_view name) {
  return packet('C', kind + cstr(name));
}

std::string execute(std::string_view portal, int rows) {
  return packet('E', cstr(portal) + be32(static_cast<uint32_t>(rows)));
}

std::string sync_message() {
  return packet('S');
}
std::string flush_message() {
  return packet('H');
}

std::string extended(std::string_view sql) {
  return parse("", sql) + bind("", "") + execute("");
}

std::string ready(char state) {
  return packet('Z', std::string(1, state));
}
std::string command_complete(std::string_view tag) {
  return packet('C', cstr(tag));
}

std::string row_description(const std::vector<std::string>& text_columns) {
  std::string body = be16(static_cast<int>(text_columns.size()));
  for (const auto& name : text_columns)
    body += cstr(name) + be32(0) + be16(0) + be32(25) + be16(-1) + be32(0xffffffff) + be16(0);
  return packet('T', body);
}

std::string data_row(const std::vector<std::string>& values) {
  std::string body = be16(static_cast<int>(values.size()));
  for (const auto& value : values) body += be32(static_cast<uint32_t>(value.size())) + value;
  return packet('D', body);
}

std::string one_value(const std::string& value) {
  return row_description({"value"}) + data_row({value}) + command_complete("SELECT 1");
}

std::string error_response(std::string_view sqlstate, std::string_view text,
                           std::string_view severity) {
  std::string body = 'S' + cstr(severity);
  if (!sqlstate.empty()) body += 'C' + cstr(sqlstate);
  return packet('E', body + 'M' + cstr(text) + '\0');
}

std::map<char, std::string> notice_fields(const Message& message) {
  std::map<char, std::string> fields;
  for (size_t at = 0; at < message.body.size() && message.body[at] != '\0';) {
    const auto end = message.body.find('\0', at + 1);
    if (end == std::string::npos) throw std::runtime_error("unterminated field of a notice");
    fields[message.body[at]] = message.body.substr(at + 1, end - at - 1);
    at = end + 1;
  }
  return fields;
}

std::string first_value(const Message& message) {
  if (message.type != 'D' || message.body.size() < 6) throw std::runtime_error("not a DataRow");
  return message.body.substr(6, read_be32(std::string_view(message.body).substr(2)));
}

std::string types_of(const std::vector<Message>& messages) {
  std::string types;
  for (const auto& message : messages) types += message.type;
  return types;
}

}  // namespace remuda::test
