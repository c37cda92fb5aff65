#include "admin/result_format.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "remuda/base/error.h"
#include "remuda/wire/builder.h"
#include "remuda/wire/reader.h"
#include "remuda/wire/sqlstate.h"

namespace remuda::admin {
namespace {

struct Format {
  uint32_t type = 0;
  bool is_binary = false;
};

int64_t to_number(std::string_view text) {
  int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string big_endian(uint64_t value, size_t size) {
  std::string out(size, '\0');
  for (size_t i = size; i-- > 0; value >>= 8) out[i] = static_cast<char>(value & 0xff);
  return out;
}

// A whole number as numeric_send() writes it: digits of base 10000, their count, weight, sign,
// scale.
std::string binary_numeric(int64_t value) {
  constexpr uint64_t kBase = 10000;
  const bool is_negative = value < 0;
  uint64_t left = is_negative ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  std::string digits;
  uint64_t count = 0;
  for (; left > 0; left /= kBase, ++count) digits.insert(0, big_endian(left % kBase, 2));
  return big_endian(count, 2) + big_endian(count == 0 ? 0 : count - 1, 2) +
         big_endian(is_negative ? 0x4000 : 0, 2) + big_endian(0, 2) + digits;
}

std::string binary(uint32_t type, std::string_view text) {
  switch (type) {
    case wire::oid::kInt4:
      return big_endian(static_cast<uint64_t>(to_number(text)), 4);
    case wire::oid::kInt8:
      return big_endian(static_cast<uint64_t>(to_number(text)), 8);
    case wire::oid::kNumeric:
      return binary_numeric(to_number(text));
    default:
      return std::string(text);
  }
}

bool is_binary_code(uint16_t code) {
  if (code > 1) {
    throw PgError(wire::sqlstate::kInvalidParameterValue,
                  fmt::format("unsupported format code: {}", code));
  }
  return code == 1;
}

std::vector<Format> formats_of(size_t columns, std::span<const uint16_t> codes) {
  if (codes.size() > 1 && codes.size() != columns) {
    throw PgError(fmt::format("bind message has {} result formats but query has {} columns",
                              codes.size(), columns));
  }
  std::vector<Format> formats(columns);
  for (size_t i = 0; i < columns && !codes.empty(); ++i) {
    formats[i].is_binary = is_binary_code(codes.size() == 1 ? codes[0] : codes[i]);
  }
  return formats;
}

// Appends the description of columns, and fills in their types.
void describe(std::string& out, std::string_view message, std::vector<Format>& formats) {
  wire::Reader reader(message.substr(wire::kHeaderSize));
  wire::MessageBuilder builder(out, 'T');
  builder.u16(reader.u16());
  for (Format& format : formats) {
    builder.cstring(reader.cstring()).bytes(reader.bytes(6));  // name, table, column
    format.type = reader.u32();
    builder.u32(format.type).bytes(reader.bytes(6)).u16(format.is_binary);  // type, size, modifier
    reader.u16();
  }
}

void add_row(std::string& out, std::string_view message, const std::vector<Format>& formats) {
  wire::Reader reader(message.substr(wire::kHeaderSize));
  wire::MessageBuilder builder(out, 'D');
  builder.u16(reader.u16());
  for (const Format& format : formats) {
    const int32_t size = reader.i32();
    if (size < 0) {
      builder.u32(static_cast<uint32_t>(-1));
      continue;
    }
    const std::string_view text = reader.bytes(static_cast<size_t>(size));
    const std::string value = format.is_binary ? binary(format.type, text) : std::string(text);
    builder.u32(static_cast<uint32_t>(value.size())).bytes(value);
  }
}

}  // namespace

std::string_view take_message(std::string_view& bytes) {
  wire::Header header;
  if (bytes.size() < wire::kHeaderSize || !wire::parse_header(bytes.data(), header)) return {};
  const std::string_view message = bytes.substr(0, header.message_size());
  bytes.remove_prefix(message.size());
  return message;
}

std::string with_formats(std::string_view result, std::span<const uint16_t> formats) {
  if (std::all_of(formats.begin(), formats.end(), [](uint16_t code) { return code == 0; }) &&
      formats.size() < 2) {
    return std::string(result);
  }
  std::string out;
  std::vector<Format> columns;
  while (!result.empty()) {
    const std::string_view message = take_message(result);
    REMUDA_CHECK(!message.empty());
    if (message[0] == 'T') {
      columns = formats_of(load_u16(message.data() + wire::kHeaderSize), formats);
      describe(out, message, columns);
    } else if (message[0] == 'D') {
      add_row(out, message, columns);
    } else {
      out += message;
    }
  }
  return out;
}

}  // namespace remuda::admin
