// Protocol bytes by hand, independent of the code under test.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace remuda::test {

// A message without its length; `type` is 0 for the untyped first packet.
struct Message {
  char type = 0;
  std::string body;
};

std::string be16(int value);
std::string be32(uint32_t value);
// With the terminator.
std::string cstr(std::string_view text);
// Type, length, body.
std::string packet(char type, std::string_view body = {});
// Length, body: startup and its kin.
std::string untyped(std::string_view body);

using Parameters = std::vector<std::pair<std::string, std::string>>;
std::string startup(const Parameters& parameters, uint32_t version = 0x00030000);
std::string ssl_request();
std::string gss_request();
std::string cancel_request(std::string_view key);

std::string query(std::string_view sql);
std::string parse(std::string_view name, std::string_view sql);
std::string bind(std::string_view portal, std::string_view statement);
// `kind` is 'S' for a statement, 'P' for a portal.
std::string describe(char kind, std::string_view name);
std::string close_of(char kind, std::string_view name);
std::string execute(std::string_view portal, int rows = 0);
std::string sync_message();
std::string flush_message();
// Parse, Bind, Execute of the unnamed statement, without Sync.
std::string extended(std::string_view sql);

std::string ready(char state = 'I');
std::string command_complete(std::string_view tag);
std::string row_description(const std::vector<std::string>& text_columns);
std::string data_row(const std::vector<std::string>& values);
// One row with one text column, its tag, and no ReadyForQuery.
std::string one_value(const std::string& value);
std::string error_response(std::string_view sqlstate, std::string_view text,
                           std::string_view severity = "ERROR");

// Fields of an ErrorResponse or NoticeResponse by their letters.
std::map<char, std::string> notice_fields(const Message& message);
// First value of a DataRow.
std::string first_value(const Message& message);
// Types of messages in order, as one word: "12CZ".
std::string types_of(const std::vector<Message>& messages);

}  // namespace remuda::test
