#include "admin/extended_query.h"

#include <fmt/core.h>

#include "admin/command_table.h"
#include "admin/result_format.h"
#include "admin/statement.h"
#include "remuda/wire/builder.h"
#include "remuda/wire/reader.h"
#include "remuda/wire/sqlstate.h"

namespace remuda::admin {
namespace {

// Far more than a driver keeps open on a console. A portal may hold a whole result.
constexpr size_t kMostStatements = 256;
constexpr size_t kMostPortals = 16;
// Of a statement's name and text together, and of a portal's name.
constexpr size_t kLongestText = 4096;

std::string empty_message(char type) {
  std::string out;
  wire::MessageBuilder(out, type).finish();
  return out;
}

[[noreturn]] void refuse_packet() {
  throw PgError("invalid message format");
}

void check_length(size_t size) {
  if (size > kLongestText) {
    throw PgError(wire::sqlstate::kProgramLimitExceeded, "name or statement too long");
  }
}

// Drivers ask it to see whether the connection is alive.
bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n;") == text.npos;
}

// What names a statement ('S') or a portal ('P') in Describe and Close.
struct Target {
  char kind = 0;
  std::string name;
};

Target target_of(ByteView body) {
  wire::Reader reader(body);
  Target target;
  target.kind = static_cast<char>(reader.u8());
  target.name = reader.cstring();
  if (!reader.done() || (target.kind != 'S' && target.kind != 'P')) refuse_packet();
  return target;
}

std::vector<uint16_t> format_codes(wire::Reader& reader) {
  const size_t count = reader.u16();
  if (count * 2 > reader.remaining()) refuse_packet();
  std::vector<uint16_t> codes(count);
  for (uint16_t& code : codes) code = reader.u16();
  return codes;
}

}  // namespace

bool ExtendedQuery::takes(char type) noexcept {
  return std::string_view("PBDECHS").find(type) != std::string_view::npos;
}

io::Task<std::string> ExtendedQuery::answer(wire::Message message) {
  if (message.type == 'S') co_return sync();
  std::string out;
  if (is_skipping_) co_return out;
  try {
    std::string reply = co_await reply_to(message);
    out = std::move(reply);
  } catch (const PgError& error) {
    is_skipping_ = true;
    out = consoles_.error_reply(console_, error);
  }
  co_return out;
}

io::Task<std::string> ExtendedQuery::reply_to(wire::Message message) {
  switch (message.type) {
    case 'P':
      co_return parse(message.body);
    case 'B':
      co_return bind(message.body);
    case 'D':
      co_return co_await describe(message.body);
    case 'E':
      co_return co_await execute(message.body);
    case 'C':
      co_return close(message.body);
    default:
      // Flush: nothing is ever held back.
      co_return std::string();
  }
}

void ExtendedQuery::forget_unnamed() {
  statements_.erase("");
  portals_.clear();
}

std::string ExtendedQuery::parse(ByteView body) {
  wire::Reader reader(body);
  const std::string name(reader.cstring());
  const std::string text(reader.cstring());
  const size_t types = reader.u16();
  reader.bytes(types * 4);
  if (!reader.done()) refuse_packet();
  check_length(name.size() + text.size());
  if (!is_blank(text) && !find_command(parse_statement(text))) throw PgError(invalid_command(text));
  if (!name.empty() && statements_.contains(name)) {
    throw PgError(wire::sqlstate::kDuplicatePreparedStatement,
                  fmt::format("prepared statement \"{}\" already exists", name));
  }
  if (statements_.size() >= kMostStatements) {
    throw PgError(wire::sqlstate::kProgramLimitExceeded, "too many prepared statements");
  }
  statements_[name] = text;
  return empty_message('1');
}

std::string ExtendedQuery::bind(ByteView body) {
  wire::Reader reader(body);
  const std::string name(reader.cstring());
  const std::string from(reader.cstring());
  Portal made;
  made.text = statement(from);
  format_codes(reader);  // of parameters
  const size_t parameters = reader.u16();
  if (parameters > 0) {
    throw PgError(
        fmt::format("bind message supplies {} parameters, but prepared statement \"{}\" requires 0",
                    parameters, from));
  }
  made.formats = format_codes(reader);
  if (!reader.done()) refuse_packet();
  check_length(name.size());
  if (!name.empty() && portals_.contains(name)) {
    throw PgError(wire::sqlstate::kDuplicateCursor,
                  fmt::format("cursor \"{}\" already exists", name));
  }
  if (portals_.size() >= kMostPortals) {
    throw PgError(wire::sqlstate::kProgramLimitExceeded, "too many portals");
  }
  portals_[name] = std::move(made);
  return empty_message('2');
}

io::Task<std::string> ExtendedQuery::describe(ByteView body) {
  const Target target = target_of(body);
  std::string out;
  if (target.kind == 'P') {
    Portal& known = portal(target.name);
    co_await look_at(known);
    out = known.columns;
  } else {
    Portal once;
    once.text = statement(target.name);
    co_await look_at(once);
    wire::MessageBuilder(out, 't').u16(0).finish();
    out += once.columns;
  }
  co_return out;
}

// Makes the description of the columns. Only what does nothing but show is run for it.
io::Task<void> ExtendedQuery::look_at(Portal& portal) {
  if (is_blank(portal.text) || parse_statement(portal.text).word != "show") {
    portal.columns = empty_message('n');
  } else if (!portal.has_run) {
    co_await run(portal);
  }
}

io::Task<void> ExtendedQuery::run(Portal& portal) {
  if (is_blank(portal.text)) {
    portal.has_run = true;
    portal.columns = empty_message('n');
    portal.result = empty_message('I');
    co_return;
  }
  const std::string result = co_await consoles_.run(console_, portal.text);
  const std::string formatted = with_formats(result, portal.formats);
  portal.has_run = true;
  portal.columns = empty_message('n');
  std::string_view left = formatted;
  while (!left.empty()) {
    const std::string_view message = take_message(left);
    if (message[0] == 'T') {
      portal.columns = message;
    } else {
      portal.result += message;
    }
  }
}

io::Task<std::string> ExtendedQuery::execute(ByteView body) {
  wire::Reader reader(body);
  const std::string name(reader.cstring());
  uint32_t rows = reader.u32();
  if (!reader.done()) refuse_packet();
  Portal& known = portal(name);
  if (!known.has_run) co_await run(known);
  const bool is_limited = rows > 0;
  std::string_view left = known.result;
  std::string out;
  while (!left.empty()) {
    if (is_limited && left[0] == 'D' && rows-- == 0) {
      out += empty_message('s');
      break;
    }
    out += take_message(left);
  }
  // A portal that has been read to its end goes on saying so.
  if (out.empty()) wire::command_complete(out, "SHOW");
  known.result = std::string(left);
  co_return out;
}

std::string ExtendedQuery::close(ByteView body) {
  const Target target = target_of(body);
  if (target.kind == 'S') {
    statements_.erase(target.name);
  } else {
    portals_.erase(target.name);
  }
  return empty_message('3');
}

// No transaction outlives it, so no portal does.
std::string ExtendedQuery::sync() {
  is_skipping_ = false;
  portals_.clear();
  std::string out;
  wire::ready_for_query(out, 'I');
  return out;
}

const std::string& ExtendedQuery::statement(const std::string& name) const {
  const auto at = statements_.find(name);
  if (at == statements_.end()) {
    throw PgError(wire::sqlstate::kUndefinedPreparedStatement,
                  fmt::format("prepared statement \"{}\" does not exist", name));
  }
  return at->second;
}

ExtendedQuery::Portal& ExtendedQuery::portal(const std::string& name) {
  const auto at = portals_.find(name);
  if (at == portals_.end()) {
    throw PgError(wire::sqlstate::kUndefinedCursor,
                  fmt::format("portal \"{}\" does not exist", name));
  }
  return at->second;
}

}  // namespace remuda::admin
