#include "setting_sql.h"

#include <algorithm>

#include "remuda/base/text.h"
#include "remuda/session/parameters.h"

namespace remuda::session {

std::string lower_name(ByteView name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), to_lower);
  return lower;
}

void append_literal(std::string& sql, ByteView text) {
  if (text.find('\\') != ByteView::npos) sql += " E";
  sql += '\'';
  for (const char c : text) {
    if (c == '\'' || c == '\\') sql += c;
    sql += c;
  }
  sql += '\'';
}

void append_expression(std::string& sql, ByteView value, const std::string* encoding) {
  if (!encoding || is_ascii(value)) {
    append_literal(sql, value);
    return;
  }
  sql += "pg_catalog.convert_from(pg_catalog.decode('";
  append_hex(sql, value);
  sql += "','hex'),";
  append_literal(sql, *encoding);
  sql += ')';
}

void append_set_config(std::string& sql, ByteView name, const ByteView* value,
                       const std::string* encoding) {
  sql += "SELECT pg_catalog.set_config(";
  append_literal(sql, name);
  sql += ',';
  if (value) {
    append_expression(sql, *value, encoding);
  } else {
    sql += "NULL";
  }
  sql += ",false);";
}

bool is_plain_name(ByteView name) noexcept {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool is_quoted_list(ByteView name) noexcept {
  return same_name(name, "search_path") || same_name(name, "temp_tablespaces");
}

}  // namespace remuda::session
