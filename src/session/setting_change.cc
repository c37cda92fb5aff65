#include "remuda/session/setting_change.h"

#include <algorithm>

#include "remuda/base/text.h"
#include "remuda/session/parameters.h"
#include "set_config_call.h"
#include "setting_sql.h"
#include "token_walk.h"

namespace remuda::session {
namespace {

using Change = SettingChange;
using Changes = std::vector<SettingChange>;
using TokenKind = Token::Kind;

// What RESET ALL leaves alone and no server keeps beyond the transaction, or nobody can restore.
bool is_followed(ByteView name) noexcept {
  for (ByteView other :
       {"transaction_isolation", "transaction_read_only", "transaction_deferrable", "seed"}) {
    if (name == other) return false;
  }
  return true;
}

// Names that PostgreSQL still takes for others.
ByteView current_name(ByteView name) noexcept {
  if (name == "sort_mem") return "work_mem";
  if (name == "vacuum_mem") return "maintenance_work_mem";
  return name;
}

Change make(Change::Kind kind, ByteView name, bool local) {
  Change change;
  change.kind = kind;
  change.local = local;
  change.name = current_name(name);
  return change;
}

void add(Changes& changes, Change change) {
  if (is_followed(change.name)) changes.push_back(std::move(change));
}

// One or more identifiers with dots between. Empty when they cannot be read.
std::string read_name(TokenWalk& walk) {
  std::string name;
  while (true) {
    const std::optional<std::string> part = decode_identifier(walk.token());
    if (!part || part->empty() || !is_ascii(*part)) return {};
    name += lower_name(*part);
    walk.advance();
    if (!walk.take('.')) return name;
    name += '.';
  }
}

void append_quoted(std::string& sql, ByteView text) {
  sql += '"';
  for (const char c : text) {
    if (c == '"') sql += c;
    sql += c;
  }
  sql += '"';
}

// A name as SET takes it: each part by itself, as both together may be longer than an identifier.
void append_variable(std::string& sql, ByteView name) {
  if (is_plain_name(name)) {
    sql += name;
    return;
  }
  while (true) {
    const size_t dot = name.find('.');
    append_quoted(sql, name.substr(0, dot));
    if (dot == ByteView::npos) return;
    sql += '.';
    name.remove_prefix(dot + 1);
  }
}

// The values behind SET name TO. They are written again as they were, but for strings; where they
// are not ASCII, what the server would make of them is computed here.
class ValueList {
 public:
  ValueList(ByteView name, const TextRules& rules)
      : is_quoted_(is_quoted_list(name)), rules_(rules) {}

  // False when this is no list of values.
  bool read(TokenWalk& walk) {
    do {
      if (!read_one(walk)) return false;
    } while (walk.take(','));
    return walk.at_end();
  }

  bool is_ascii() const noexcept { return remuda::is_ascii(words_); }
  const std::string& words() const noexcept { return words_; }
  const std::string& value() const noexcept { return value_; }

 private:
  bool read_one(TokenWalk& walk) {
    if (!words_.empty()) words_ += ", ";
    if (!value_.empty() || has_one_) value_ += ", ";
    has_one_ = true;
    const bool has_sign = walk.is('-') || walk.is('+');
    if (has_sign) {
      const char sign = walk.token().text.front();
      words_ += sign;
      if (sign == '-') value_ += sign;
      walk.advance();
      if (walk.token().kind != TokenKind::number) return false;
    }
    const bool is_read = append(walk.token());
    walk.advance();
    return is_read;
  }

  bool append(const Token& token) {
    if (token.kind == TokenKind::string) {
      const bool utf8 = rules_.encoding && same_name(*rules_.encoding, "UTF8");
      const std::optional<std::string> text = decode_string(token, utf8);
      if (!text) return false;
      append_literal(words_, *text);
      append_value(*text);
      return true;
    }
    words_ += token.text;
    if (token.kind == TokenKind::number) {
      value_ += token.text;
      return true;
    }
    const std::optional<std::string> word = decode_identifier(token);
    if (word) append_value(*word);
    return word.has_value();
  }

  // An element of a list of names is quoted where PostgreSQL would, but for key words.
  void append_value(ByteView text) {
    const bool is_bare = is_plain_name(text) && (text.front() < '0' || text.front() > '9');
    if (is_quoted_ && !is_bare) {
      append_quoted(value_, text);
    } else {
      value_ += text;
    }
  }

  const bool is_quoted_;
  const TextRules& rules_;
  bool has_one_ = false;
  std::string words_;
  std::string value_;
};

void add_values(Changes& changes, TokenWalk& walk, ByteView name, bool local,
                const TextRules& rules) {
  Change change = make(Change::Kind::set, name, local);
  ValueList values(change.name, rules);
  if (!values.read(walk)) {
    change.kind = Change::Kind::unknown;
  } else if (values.is_ascii() || !rules.encoding) {
    change.sql = "SET ";
    append_variable(change.sql, change.name);
    change.sql += " TO " + values.words() + ';';
  } else {
    const ByteView value = values.value();
    append_set_config(change.sql, change.name, &value, rules.encoding);
  }
  add(changes, std::move(change));
}

void add_words(Changes& changes, ByteView name, bool local, const char* words) {
  Change change = make(Change::Kind::set, name, local);
  change.sql = "SET " + change.name + " TO " + words + ';';
  add(changes, std::move(change));
}

// A value, or DEFAULT for the session's.
void add_value_or_default(Changes& changes, TokenWalk& walk, ByteView name, bool local,
                          const TextRules& rules) {
  if (walk.is("default") && walk.is_last()) {
    add(changes, make(Change::Kind::reset, name, local));
  } else {
    add_values(changes, walk, name, local, rules);
  }
}

const char* isolation_level(TokenWalk& walk) noexcept {
  if (walk.take("serializable")) return "'serializable'";
  if (walk.take("repeatable")) return walk.take("read") ? "'repeatable read'" : nullptr;
  if (!walk.take("read")) return nullptr;
  if (walk.take("committed")) return "'read committed'";
  return walk.take("uncommitted") ? "'read uncommitted'" : nullptr;
}

// SET SESSION CHARACTERISTICS AS TRANSACTION mode [,] mode ...
void add_characteristics(Changes& changes, TokenWalk& walk) {
  walk.take("as");
  walk.take("transaction");
  while (!walk.at_end()) {
    if (walk.take("isolation")) {
      walk.take("level");
      const char* level = isolation_level(walk);
      if (!level) break;
      add_words(changes, "default_transaction_isolation", false, level);
    } else if (walk.take("read")) {
      const bool only = walk.is("only");
      walk.advance();
      add_words(changes, "default_transaction_read_only", false, only ? "on" : "off");
    } else {
      const bool no = walk.take("not");
      if (!walk.take("deferrable")) break;
      add_words(changes, "default_transaction_deferrable", false, no ? "off" : "on");
    }
    walk.take(',');
  }
  if (!walk.at_end()) add(changes, make(Change::Kind::unknown, "", false));
}

void add_time_zone(Changes& changes, TokenWalk& walk, bool local, const TextRules& rules) {
  walk.take("zone");
  if ((walk.is("local") || walk.is("default")) && walk.is_last()) {
    add(changes, make(Change::Kind::reset, "timezone", local));
  } else if (walk.is("interval")) {
    add(changes, make(Change::Kind::unknown, "timezone", local));
  } else {
    add_values(changes, walk, "timezone", local, rules);
  }
}

// The forms that do not name a setting. False when it is none of them.
bool add_special(Changes& changes, TokenWalk& walk, bool local, const TextRules& rules) {
  if (walk.take("session")) {
    if (walk.take("characteristics")) {
      add_characteristics(changes, walk);
    } else {
      walk.take("authorization");
      add_value_or_default(changes, walk, "session_authorization", local, rules);
    }
  } else if (walk.take("time")) {
    add_time_zone(changes, walk, local, rules);
  } else if (walk.take("role")) {
    add_values(changes, walk, "role", local, rules);
  } else if (walk.take("schema")) {
    add_values(changes, walk, "search_path", local, rules);
  } else if (walk.take("names")) {
    if (walk.at_end()) {
      add(changes, make(Change::Kind::reset, "client_encoding", local));
    } else {
      add_value_or_default(changes, walk, "client_encoding", local, rules);
    }
  } else if (walk.take("xml")) {
    walk.take("option");
    add_words(changes, "xmloption", local, walk.is("document") ? "document" : "content");
  } else {
    return walk.is("transaction") || walk.is("constraints");
  }
  return true;
}

bool assigns(const Token& token) noexcept {
  return token.is('=') || token.is("to") || token.is('.') || token.is("from");
}

void read_set(Changes& changes, TokenWalk& walk, const TextRules& rules) {
  bool local = false;
  if (!assigns(walk.ahead())) {
    const Token ahead = walk.ahead();
    local = walk.take("local");
    const bool is_part = ahead.is("authorization") || ahead.is("characteristics");
    if (!local && !is_part) walk.take("session");
  }
  if (!assigns(walk.ahead()) && add_special(changes, walk, local, rules)) return;
  const std::string name = read_name(walk);
  if (name.empty() || (!walk.take('=') && !walk.take("to"))) {
    add(changes, make(Change::Kind::unknown, "", local));
    return;
  }
  add_value_or_default(changes, walk, name, local, rules);
}

void read_reset(Changes& changes, TokenWalk& walk) {
  if (walk.is("all") && walk.is_last()) {
    changes.push_back(make(Change::Kind::reset_all, "", false));
  } else if (walk.is("transaction") && walk.ahead().is("isolation")) {
    return;
  } else if (walk.is("time") && walk.ahead().is("zone")) {
    add(changes, make(Change::Kind::reset, "timezone", false));
  } else if (walk.is("session") && walk.ahead().is("authorization")) {
    add(changes, make(Change::Kind::reset, "session_authorization", false));
  } else {
    const std::string name = read_name(walk);
    const bool is_read = !name.empty() && walk.at_end();
    add(changes, make(is_read ? Change::Kind::reset : Change::Kind::unknown, name, false));
  }
}

}  // namespace

void read_setting_changes(StatementKind kind, ByteView statement, const TextRules& rules,
                          Changes& changes) {
  TokenWalk walk(statement, rules.standard_strings);
  while (walk.take(';')) {
  }
  walk.advance();
  if (kind == StatementKind::set) {
    read_set(changes, walk, rules);
  } else if (kind == StatementKind::reset) {
    read_reset(changes, walk);
  } else if (kind == StatementKind::discard_all) {
    changes.push_back(make(Change::Kind::discard_all, "", false));
  } else if (kind == StatementKind::select_set_config) {
    read_set_config(walk, rules, changes);
    std::erase_if(changes, [](const Change& change) { return !is_followed(change.name); });
  }
}

SettingChange setting_assignment(ByteView name, ByteView value, const TextRules& rules) {
  Change change = make(Change::Kind::set, lower_name(name), false);
  append_set_config(change.sql, change.name, &value, rules.encoding);
  return change;
}

void append_reset(std::string& sql, ByteView name) {
  if (!is_plain_name(name)) {
    append_set_config(sql, name, nullptr, nullptr);
    return;
  }
  sql += "RESET ";
  sql += name;
  sql += ';';
}

bool is_setting_tag(ByteView tag) noexcept {
  return tag == "SET" || tag == "RESET" || tag == "DISCARD ALL";
}

bool survives_reset_all(ByteView name) noexcept {
  return name == "role" || name == "session_authorization";
}

}  // namespace remuda::session
