#include "macro/null_query.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace remuda::bench {
namespace {

constexpr size_t kMostBytes = size_t{256} << 20;
// What pgpool asks each server for first, and wants to find a number in.
constexpr std::string_view kVersion = "PostgreSQL 15.0 (null server)";

bool is_space(char c) {
  return std::isspace(static_cast<unsigned char>(c)) != 0;
}
bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

void skip_space(std::string_view& text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
}

std::string_view take_word(std::string_view& text) {
  skip_space(text);
  size_t n = 0;
  while (n < text.size() && is_word(text[n])) ++n;
  const auto word = text.substr(0, n);
  text.remove_prefix(n);
  return word;
}

std::string upper(std::string_view word) {
  std::string out(word);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

// The number that follows `before` in `text`, or `otherwise`; bounded.
size_t number_after(std::string_view text, std::string_view before, size_t otherwise) {
  const size_t at = text.find(before);
  if (at == std::string_view::npos) return otherwise;
  size_t value = otherwise;
  std::from_chars(text.data() + at + before.size(), text.data() + text.size(), value);
  return std::min(value, kMostBytes);
}

void parse_select(std::string_view rest, NullQuery& query) {
  query.kind = NullQuery::Kind::select;
  skip_space(rest);
  if (!rest.starts_with('$')) query.number = take_word(rest);
  if (rest.starts_with("()") && equal_ignoring_case(query.number, "version")) {
    query.number = kVersion;
  }
  query.width = number_after(rest, "repeat('x', ", 0);
  query.rows = number_after(rest, "generate_series(1, ", 1);
  if (query.width * query.rows > kMostBytes) query.rows = 1;
}

std::string unquoted(std::string_view value) {
  while (!value.empty() && is_space(value.back())) value.remove_suffix(1);
  if (value.size() < 2 || value.front() != '\'' || value.back() != '\'') return std::string(value);
  value = value.substr(1, value.size() - 2);
  std::string out;
  for (size_t i = 0; i < value.size(); ++i) {
    out.push_back(value[i]);
    if (value[i] == '\'' && i + 1 < value.size()) ++i;
  }
  return out;
}

void parse_set(std::string_view rest, NullQuery& query) {
  query.kind = NullQuery::Kind::set;
  auto word = take_word(rest);
  if (equal_ignoring_case(word, "session")) word = take_word(rest);
  query.name = word;
  skip_space(rest);
  if (rest.starts_with('=')) {
    rest.remove_prefix(1);
  } else {
    take_word(rest);
  }
  skip_space(rest);
  query.value = unquoted(rest);
}

NullQuery::Kind kind_of_all(std::string_view word, std::string_view rest) {
  if (!equal_ignoring_case(take_word(rest), "all")) return NullQuery::Kind::other;
  if (word == "DISCARD") return NullQuery::Kind::discard_all;
  return word == "RESET" ? NullQuery::Kind::reset_all : NullQuery::Kind::deallocate_all;
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return std::tolower(static_cast<unsigned char>(x)) ==
                  std::tolower(static_cast<unsigned char>(y));
         });
}

std::string_view next_statement(std::string_view& text) {
  bool quoted = false;
  size_t n = 0;
  for (; n < text.size(); ++n) {
    if (text[n] == '\'') quoted = !quoted;
    if (text[n] == ';' && !quoted) break;
  }
  const auto statement = text.substr(0, n);
  text.remove_prefix(std::min(n + 1, text.size()));
  return statement;
}

NullQuery parse_query(std::string_view rest) {
  NullQuery query;
  const std::string word = upper(take_word(rest));
  query.tag = word;
  if (word.empty()) {
    query.kind = NullQuery::Kind::empty;
  } else if (word == "SELECT") {
    parse_select(rest, query);
  } else if (word == "SET") {
    parse_set(rest, query);
  } else if (word == "DISCARD" || word == "RESET" || word == "DEALLOCATE") {
    query.kind = kind_of_all(word, rest);
    if (word != "RESET" && query.kind != NullQuery::Kind::other) query.tag += " ALL";
  } else if (word == "BEGIN" || word == "START") {
    query.kind = NullQuery::Kind::begin;
    query.tag = "BEGIN";
  } else if (word == "COMMIT" || word == "END" || word == "ROLLBACK" || word == "ABORT") {
    query.kind = NullQuery::Kind::end;
    query.tag = word == "COMMIT" || word == "END" ? "COMMIT" : "ROLLBACK";
  }
  return query;
}

}  // namespace remuda::bench
