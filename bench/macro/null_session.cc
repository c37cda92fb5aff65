#include "macro/null_session.h"

#include <charconv>

namespace remuda::bench {
namespace {

constexpr uint32_t kSslRequest = 80877103, kGssRequest = 80877104, kCancelRequest = 80877102;
constexpr uint32_t kLargestMessage = 64u << 20;
constexpr uint32_t kInt8 = 20, kText = 25;

using Kind = NullQuery::Kind;

void put_message(std::string& out, char type) {
  Packet packet(out, type);
}

void put_column(std::string& out, std::string_view name, uint32_t type, int size) {
  put_text(out, name);
  put_u32(out, 0);
  put_u16(out, 0);
  put_u32(out, type);
  put_u16(out, static_cast<uint16_t>(size));
  put_u32(out, static_cast<uint32_t>(-1));
  put_u16(out, 0);
}

void put_row_description(std::string& out, const NullQuery& query) {
  if (query.kind != Kind::select) return put_message(out, 'n');
  Packet packet(out, 'T');
  put_u16(out, query.width > 0 ? 2 : 1);
  put_column(out, "?column?", kInt8, 8);
  if (query.width > 0) put_column(out, "repeat", kText, -1);
}

void put_status(std::string& out, std::string_view name, std::string_view value) {
  Packet packet(out, 'S');
  put_text(out, name);
  put_text(out, value);
}

std::string one_more(std::string_view number) {
  uint64_t value = 0;
  std::from_chars(number.data(), number.data() + number.size(), value);
  return std::to_string(value + 1);
}

}  // namespace

// The parameters that PostgreSQL 15 reports, in its order.
NullSession::NullSession(uint32_t id, Lies& lies)
    : id_(id),
      lies_(lies),
      parameters_{{{"application_name", "", ""},
                   {"client_encoding", "UTF8", ""},
                   {"DateStyle", "ISO, MDY", ""},
                   {"default_transaction_read_only", "off", ""},
                   {"in_hot_standby", "off", ""},
                   {"integer_datetimes", "on", ""},
                   {"IntervalStyle", "postgres", ""},
                   {"is_superuser", "off", ""},
                   {"server_encoding", "UTF8", ""},
                   {"server_version", "15.0", ""},
                   {"session_authorization", "", ""},
                   {"standard_conforming_strings", "on", ""},
                   {"TimeZone", "UTC", ""}}} {}

size_t NullSession::feed(std::string_view in, std::string& out) {
  size_t used = 0;
  while (!closed_) {
    const size_t header = started_ ? 5 : 4;
    if (in.size() - used < header) break;
    const uint32_t length = load_u32(in.data() + used + header - 4);
    if (length < 4 || length > kLargestMessage) {
      closed_ = true;
      break;
    }
    const size_t whole = header - 4 + length;
    if (in.size() - used < whole) break;
    const auto body = in.substr(used + header, whole - header);
    if (started_) {
      message(in[used], body, out);
    } else {
      startup(body, out);
    }
    used += whole;
  }
  return used;
}

void NullSession::startup(std::string_view body, std::string& out) {
  Fields fields(body);
  const uint32_t code = fields.u32();
  if (code == kSslRequest || code == kGssRequest) {
    out.push_back('N');
    return;
  }
  if (!fields.ok() || code == kCancelRequest || code >> 16 != 3) {
    closed_ = true;
    return;
  }
  while (!fields.empty()) {
    const auto name = fields.text();
    if (name.empty() || !fields.ok()) break;
    set_parameter(name == "user" ? "session_authorization" : name, fields.text());
  }
  greet(out);
}

void NullSession::greet(std::string& out) {
  started_ = true;
  changes_.clear();
  {
    Packet ok(out, 'R');
    put_u32(out, 0);
  }
  for (auto& parameter : parameters_) {
    parameter.at_start = parameter.value;
    put_status(out, parameter.name, parameter.value);
  }
  {
    Packet key(out, 'K');
    put_u32(out, id_);
    put_u32(out, id_ * 2654435761u);
  }
  ready(out);
}

void NullSession::message(char type, std::string_view body, std::string& out) {
  switch (type) {
    case 'Q':
      skip_to_sync_ = false;
      simple_query(Fields(body).text(), out);
      return;
    case 'S':
      skip_to_sync_ = false;
      ready(out);
      return;
    case 'X':
      closed_ = true;
      return;
    case 'H':  // Flush: we never hold replies back.
    case 'd':
    case 'c':
    case 'f':
      return;
    default:
      if (!skip_to_sync_) extended(type, Fields(body), out);
  }
}

void NullSession::extended(char type, Fields fields, std::string& out) {
  switch (type) {
    case 'P':
      return parse(fields, out);
    case 'B':
      return bind(fields, out);
    case 'D':
      return describe(fields, out);
    case 'E':
      return execute(fields, out);
    case 'C':
      return close(fields, out);
    default:
      closed_ = true;
  }
}

void NullSession::simple_query(std::string_view text, std::string& out) {
  bool answered = false;
  while (!text.empty()) {
    const NullQuery query = parse_query(next_statement(text));
    if (query.kind == Kind::empty) continue;
    if (query.kind == Kind::select) put_row_description(out, query);
    rows(query, query.number, out);
    answered = true;
  }
  if (!answered) put_message(out, 'I');
  ready(out);
}

void NullSession::parse(Fields fields, std::string& out) {
  const auto name = fields.text();
  const auto text = fields.text();
  if (!name.empty() && statements_.contains(name)) {
    return fail("42P05", "prepared statement \"" + std::string(name) + "\" already exists", out);
  }
  statements_.insert_or_assign(std::string(name), parse_query(text));
  put_message(out, '1');
}

void NullSession::bind(Fields fields, std::string& out) {
  const auto portal = fields.text();
  const auto name = fields.text();
  const auto statement = statements_.find(name);
  if (statement == statements_.end()) {
    return fail("26000", "prepared statement \"" + std::string(name) + "\" does not exist", out);
  }
  for (int formats = fields.u16(); formats > 0; --formats) fields.u16();
  std::string_view number = statement->second.number;
  if (fields.u16() > 0 && number.empty()) number = fields.bytes(fields.u32());
  if (!fields.ok()) return fail("08P01", "invalid Bind message", out);
  portals_.insert_or_assign(std::string(portal), Portal{statement->second, std::string(number)});
  put_message(out, '2');
}

void NullSession::describe(Fields fields, std::string& out) {
  const bool of_statement = fields.bytes(1) == "S";
  const auto name = fields.text();
  if (!of_statement) {
    const auto portal = portals_.find(name);
    if (portal == portals_.end()) return fail("34000", "portal does not exist", out);
    return put_row_description(out, portal->second.query);
  }
  const auto statement = statements_.find(name);
  if (statement == statements_.end()) {
    return fail("26000", "prepared statement \"" + std::string(name) + "\" does not exist", out);
  }
  {
    const bool takes_number =
        statement->second.kind == Kind::select && statement->second.number.empty();
    Packet parameters(out, 't');
    put_u16(out, takes_number ? 1 : 0);
    if (takes_number) put_u32(out, kInt8);
  }
  put_row_description(out, statement->second);
}

void NullSession::execute(Fields fields, std::string& out) {
  const auto portal = portals_.find(fields.text());
  if (portal == portals_.end()) return fail("34000", "portal does not exist", out);
  if (portal->second.query.kind == Kind::empty) return put_message(out, 'I');
  rows(portal->second.query, portal->second.number, out);
}

void NullSession::close(Fields fields, std::string& out) {
  const bool of_statement = fields.bytes(1) == "S";
  const auto name = fields.text();
  if (of_statement) {
    if (const auto at = statements_.find(name); at != statements_.end()) statements_.erase(at);
  } else if (const auto at = portals_.find(name); at != portals_.end()) {
    portals_.erase(at);
  }
  put_message(out, '3');
}

// The rows, if it is a SELECT, and CommandComplete.
void NullSession::rows(const NullQuery& query, std::string_view number, std::string& out) {
  std::string lie;
  if (query.kind == Kind::select && lies_.next()) {
    lie = one_more(number);
    number = lie;
  }
  for (size_t i = 0; query.kind == Kind::select && i < query.rows; ++i) {
    Packet row(out, 'D');
    put_u16(out, query.width > 0 ? 2 : 1);
    put_u32(out, static_cast<uint32_t>(number.size()));
    out.append(number);
    if (query.width == 0) continue;
    put_u32(out, static_cast<uint32_t>(query.width));
    out.append(query.width, 'x');
  }
  complete(query, out);
}

void NullSession::complete(const NullQuery& query, std::string& out) {
  if (query.kind == Kind::begin) transaction_ = 'T';
  if (query.kind == Kind::end) transaction_ = 'I';
  if (query.kind == Kind::set) set_parameter(query.name, query.value);
  if (query.kind == Kind::reset_all || query.kind == Kind::discard_all) reset_parameters();
  if (query.kind == Kind::deallocate_all || query.kind == Kind::discard_all) statements_.clear();
  Packet packet(out, 'C');
  out.append(query.tag);
  if (query.kind == Kind::select) out.append(" " + std::to_string(query.rows));
  out.push_back('\0');
}

void NullSession::set_parameter(std::string_view name, std::string_view value) {
  for (auto& parameter : parameters_) {
    if (!equal_ignoring_case(parameter.name, name) || parameter.value == value) continue;
    parameter.value = value;
    put_status(changes_, parameter.name, value);
  }
}

void NullSession::reset_parameters() {
  for (const auto& parameter : parameters_) {
    const std::string value = parameter.at_start;
    set_parameter(parameter.name, value);
  }
}

void NullSession::fail(const char* sqlstate, const std::string& text, std::string& out) {
  skip_to_sync_ = true;
  if (transaction_ == 'T') transaction_ = 'E';
  Packet packet(out, 'E');
  put_text(out, "SERROR");
  put_text(out, "VERROR");
  put_text(out, std::string("C") + sqlstate);
  put_text(out, "M" + text);
  out.push_back('\0');
}

void NullSession::ready(std::string& out) {
  out.append(changes_);
  changes_.clear();
  Packet packet(out, 'Z');
  out.push_back(transaction_);
}

}  // namespace remuda::bench
