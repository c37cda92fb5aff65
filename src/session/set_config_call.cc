#include "set_config_call.h"

#include <algorithm>
#include <charconv>

#include "remuda/session/parameters.h"
#include "setting_sql.h"

namespace remuda::session {
namespace {

using Change = SettingChange;

// One argument of a call.
struct Argument {
  uint16_t parameter = 0;  // $n
  bool is_null = false;
  std::string text;
};

bool read_parameter(const Token& token, Argument& argument) noexcept {
  const char* begin = token.text.data() + 1;
  const char* end = token.text.data() + token.text.size();
  const auto [at, error] = std::from_chars(begin, end, argument.parameter);
  return error == std::errc() && at == end && argument.parameter > 0;
}

// Behind a value: ::text, which changes nothing here.
bool skip_cast(TokenWalk& walk) noexcept {
  while (walk.take(':')) {
    if (!walk.take(':')) return false;
    const bool known = walk.is("text") || walk.is("bool") || walk.is("boolean") ||
                       walk.is("varchar") || walk.is("unknown");
    if (!known) return false;
    walk.advance();
  }
  return true;
}

bool read_argument(TokenWalk& walk, const TextRules& rules, Argument& argument) {
  const Token token = walk.token();
  walk.advance();
  if (token.kind == Token::Kind::parameter) {
    if (!read_parameter(token, argument)) return false;
  } else if (token.kind == Token::Kind::string) {
    const bool utf8 = rules.encoding && same_name(*rules.encoding, "UTF8");
    std::optional<std::string> text = decode_string(token, utf8);
    if (!text) return false;
    argument.text = std::move(*text);
  } else if (token.is("null")) {
    argument.is_null = true;
  } else if (token.is("true") || token.is("false")) {
    argument.text = lower_name(token.text);
  } else {
    return false;
  }
  return skip_cast(walk);
}

// A truth value as PostgreSQL reads one.
std::optional<bool> read_bool(ByteView text) {
  const auto is_blank = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  const std::string lower = lower_name(text);
  const auto abbreviates = [&](ByteView word, size_t least) {
    return lower.size() >= least && word.starts_with(lower);
  };
  if (lower == "1" || abbreviates("true", 1) || abbreviates("yes", 1) || lower == "on") return true;
  if (lower == "0" || abbreviates("false", 1) || abbreviates("no", 1) || abbreviates("off", 2)) {
    return false;
  }
  return std::nullopt;
}

// Fills in what the arguments tell that are known; those left are in `parameters`.
Change build(const std::array<Argument, 3>& arguments, const TextRules& rules) {
  Change change;
  const auto& [name, value, local] = arguments;
  const std::optional<bool> is_local =
      local.is_null ? std::optional<bool>(false) : read_bool(local.text);
  if (name.is_null || !is_local) return change;
  change = setting_assignment(name.text, value.text, rules);
  change.local = *is_local;
  if (value.is_null) {
    change.kind = Change::Kind::reset;
    change.sql.clear();
  }
  return change;
}

// What is known now of a call with parameters, kept until they are bound: the arguments themselves.
Change defer(const std::array<Argument, 3>& arguments) {
  Change change;
  for (size_t i = 0; i < 3; ++i) change.parameters[i] = arguments[i].parameter;
  change.name = arguments[0].text;
  change.sql = arguments[1].text;
  change.local = read_bool(arguments[2].text).value_or(false);
  change.kind = arguments[1].is_null ? Change::Kind::reset : Change::Kind::set;
  return change;
}

// A number that is the same as text.
bool is_plain_number(const Token& token) noexcept {
  constexpr size_t kMostDigits = 9;
  const ByteView text = token.text;
  return token.kind == Token::Kind::number && text.size() <= kMostDigits &&
         (text.front() != '0' || text.size() == 1) &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool read_call(TokenWalk& walk, const TextRules& rules, std::vector<SettingChange>& changes) {
  const auto name = decode_identifier(walk.token());
  if (name == "pg_catalog") {
    walk.advance();
    if (!walk.take('.')) return false;
  }
  if (decode_identifier(walk.token()) != "set_config") return false;
  walk.advance();
  std::array<Argument, 3> arguments;
  for (size_t i = 0; i < 3; ++i) {
    if (!walk.take(i == 0 ? '(' : ',') || !read_argument(walk, rules, arguments[i])) return false;
  }
  if (!walk.take(')')) return false;
  const bool is_bound = std::all_of(arguments.begin(), arguments.end(),
                                    [](const Argument& a) { return a.parameter == 0; });
  changes.push_back(is_bound ? build(arguments, rules) : defer(arguments));
  if (walk.take("as")) {
    walk.advance();
  } else if (!walk.is("from") && !walk.is("where") && decode_identifier(walk.token())) {
    walk.advance();
  }
  return true;
}

}  // namespace

void read_set_config(TokenWalk& walk, const TextRules& rules, std::vector<SettingChange>& changes) {
  do {
    if (!read_call(walk, rules, changes)) {
      changes.emplace_back();
      return;
    }
  } while (walk.take(','));
  if (!walk.at_end()) changes.emplace_back();
}

std::vector<std::optional<std::string>> read_execute_arguments(ByteView tail,
                                                               const TextRules& rules) {
  TokenWalk walk(tail, rules.standard_strings);
  std::vector<std::optional<std::string>> values;
  if (!walk.take('(')) return values;
  do {
    Argument argument;
    if (is_plain_number(walk.token())) {
      argument.text = walk.token().text;
      walk.advance();
    } else if (!read_argument(walk, rules, argument) || argument.parameter > 0) {
      return {};
    }
    values.emplace_back();
    if (!argument.is_null) values.back() = std::move(argument.text);
  } while (walk.take(','));
  if (!walk.take(')') || !walk.at_end()) values.clear();
  return values;
}

SettingChange bind_parameters(const SettingChange& change,
                              const std::vector<std::optional<ByteView>>& values,
                              const TextRules& rules) {
  std::array<Argument, 3> arguments;
  arguments[0].text = change.name;
  arguments[1].text = change.sql;
  arguments[1].is_null = change.kind == Change::Kind::reset;
  arguments[2].text = change.local ? "t" : "f";
  for (size_t i = 0; i < 3; ++i) {
    const size_t n = change.parameters[i];
    if (n == 0) continue;
    if (n > values.size()) return {};
    arguments[i].is_null = !values[n - 1].has_value();
    arguments[i].text = values[n - 1].value_or(ByteView());
  }
  // A truth value in binary format is one byte.
  std::string& local = arguments[2].text;
  if (local.size() == 1 && static_cast<unsigned char>(local[0]) < 2) local[0] += '0';
  return build(arguments, rules);
}

}  // namespace remuda::session
