// The bytes of the messages that the tests of the session layer exchange, spelled out by hand.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "remuda/base/bytes.h"

namespace remuda::session::test {

// A header that says what it likes about its length.
inline std::string header(char type, uint32_t length) {
  std::string bytes(5, type);
  store_u32(bytes.data() + 1, length);
  return bytes;
}

inline std::string message(char type, std::string_view body = {}) {
  std::string bytes = header(type, static_cast<uint32_t>(body.size() + 4));
  bytes += body;
  return bytes;
}

inline std::string zero_ended(std::string_view text) {
  return std::string(text) + '\0';
}

// What a client sends. Bodies that the conversation does not read are only markers.
inline std::string query(std::string_view sql) {
  return message('Q', zero_ended(sql));
}
inline std::string parse(std::string_view sql) {
  return message('P', "s" + zero_ended("") + std::string(sql));
}
inline std::string bind() {
  return message('B', "portal and statement");
}
inline std::string describe() {
  return message('D', zero_ended("S"));
}
inline std::string execute() {
  return message('E', zero_ended("portal"));
}
inline std::string close() {
  return message('C', zero_ended("S"));
}
inline std::string sync() {
  return message('S');
}
inline std::string flush() {
  return message('H');
}
inline std::string terminate() {
  return message('X');
}
inline std::string copy_data(std::string_view row) {
  return message('d', row);
}
inline std::string copy_done() {
  return message('c');
}
inline std::string copy_fail() {
  return message('f', zero_ended("no"));
}

// What a server sends.
inline std::string parse_complete() {
  return message('1');
}
inline std::string bind_complete() {
  return message('2');
}
inline std::string close_complete() {
  return message('3');
}
inline std::string no_data() {
  return message('n');
}
inline std::string row_description() {
  return message('T', "columns");
}
inline std::string data_row(std::string_view value) {
  return message('D', value);
}
inline std::string complete(std::string_view tag) {
  return message('C', zero_ended(tag));
}
inline std::string suspended() {
  return message('s');
}
inline std::string copy_in() {
  return message('G', std::string(3, '\0'));
}
inline std::string copy_out() {
  return message('H', std::string(3, '\0'));
}
inline std::string error(std::string_view text) {
  return message('E', "M" + zero_ended(text) + '\0');
}
inline std::string notice(std::string_view text) {
  return message('N', "M" + zero_ended(text) + '\0');
}
inline std::string ready(char status) {
  return message('Z', std::string(1, status));
}
inline std::string parameter(std::string_view name, std::string_view value) {
  return message('S', zero_ended(name) + zero_ended(value));
}

}  // namespace remuda::session::test
