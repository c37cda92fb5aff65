#include "admin/statement.h"

#include <fmt/core.h>

#include <algorithm>

#include "remuda/base/error.h"
#include "remuda/base/text.h"

namespace remuda::admin {
namespace {

constexpr size_t kLongestWord = 15;
constexpr size_t kLongestArgument = 63;
constexpr size_t kLongestValue = 255;
constexpr size_t kLongestHost = 255;
constexpr std::string_view kInHosts = ".:-/[]@%";

bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool is_word_char(char c) noexcept {
  return (to_lower(c) >= 'a' && to_lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

// Walks over the text. Each method takes what it names from the front, or nothing.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : left_(text) {}

  bool at_end() const noexcept { return left_.empty(); }

  bool blanks() {
    const size_t before = left_.size();
    while (!left_.empty() && is_blank(left_.front())) left_.remove_prefix(1);
    return left_.size() < before;
  }

  bool symbol(char c) {
    if (left_.empty() || left_.front() != c) return false;
    left_.remove_prefix(1);
    return true;
  }

  std::optional<std::string> word() {
    if (!left_.empty() && left_.front() == '"') return quoted('"');
    size_t size = 0;
    while (size < left_.size() && is_word_char(left_[size])) ++size;
    if (size == 0) return std::nullopt;
    std::string found(left_.substr(0, size));
    left_.remove_prefix(size);
    return found;
  }

  // A host, with or without its port.
  std::optional<std::string> host() {
    if (!left_.empty() && (left_.front() == '"' || left_.front() == '\'')) {
      return quoted(left_.front());
    }
    size_t size = 0;
    while (size < left_.size() &&
           (is_word_char(left_[size]) || kInHosts.find(left_[size]) != kInHosts.npos)) {
      ++size;
    }
    if (size == 0) return std::nullopt;
    std::string found(left_.substr(0, size));
    left_.remove_prefix(size);
    return found;
  }

  // In quotes, which stand doubled for themselves.
  std::optional<std::string> quoted(char quote) {
    if (left_.empty() || left_.front() != quote) return std::nullopt;
    std::string found;
    for (size_t i = 1; i < left_.size(); ++i) {
      if (left_[i] != quote) {
        found += left_[i];
      } else if (i + 1 < left_.size() && left_[i + 1] == quote) {
        found += left_[i++];
      } else {
        left_.remove_prefix(i + 1);
        return found;
      }
    }
    return std::nullopt;
  }

  // Blanks and a semicolon may be all that is left.
  bool finish() {
    blanks();
    if (symbol(';')) blanks();
    return at_end();
  }

 private:
  std::string_view left_;
};

std::optional<Statement> parse_command(std::string_view text) {
  Cursor cursor(text);
  cursor.blanks();
  auto word = cursor.word();
  if (!word) return std::nullopt;
  Statement statement;
  statement.word = std::move(*word);
  if (cursor.blanks()) statement.argument = cursor.word().value_or("");
  const bool may_name = same_word(statement.word, "show") || same_word(statement.word, "select");
  if (may_name && cursor.blanks()) statement.name = cursor.word().value_or("");
  const bool may_host = same_word(statement.word, "disable") || same_word(statement.word, "enable");
  if (may_host && same_word(statement.argument, "host") && cursor.blanks()) {
    statement.name = cursor.host().value_or("");
  }
  if (!cursor.finish()) return std::nullopt;
  return statement;
}

std::optional<Statement> parse_set(std::string_view text) {
  Cursor cursor(text);
  cursor.blanks();
  const auto word = cursor.word();
  if (!word || !same_word(*word, "set") || !cursor.blanks()) return std::nullopt;
  auto key = cursor.word();
  if (!key) return std::nullopt;
  cursor.blanks();
  if (!cursor.symbol('=')) {
    const auto to = cursor.word();
    if (!to || !same_word(*to, "to")) return std::nullopt;
  }
  cursor.blanks();
  Statement statement;
  statement.value = cursor.word();
  if (!statement.value) statement.value = cursor.quoted('\'');
  if (!statement.value || !cursor.finish()) return std::nullopt;
  statement.word = "set";
  statement.argument = std::move(*key);
  return statement;
}

}  // namespace

std::string invalid_command(std::string_view text) {
  return fmt::format("invalid command '{}', use SHOW HELP;", text);
}

Statement parse_statement(std::string_view text) {
  auto statement = parse_command(text);
  if (!statement) statement = parse_set(text);
  if (!statement) throw PgError(invalid_command(text));
  if (statement->word.size() > kLongestWord || statement->argument.size() > kLongestArgument ||
      statement->name.size() > kLongestHost ||
      (statement->value && statement->value->size() > kLongestValue)) {
    throw PgError("bad arguments");
  }
  std::transform(statement->word.begin(), statement->word.end(), statement->word.begin(), to_lower);
  if (statement->word == "select") statement->word = "show";
  return *std::move(statement);
}

}  // namespace remuda::admin
