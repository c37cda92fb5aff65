#include "deallocate.h"

#include "remuda/session/parameters.h"

namespace remuda::session {
namespace {

constexpr ByteView kBlanks = " \t\r\n\f\v";

bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_in_name(char c) noexcept {
  return is_letter(c) || (c >= '0' && c <= '9') || c == '$';
}

void skip_blanks(ByteView& text) noexcept {
  const size_t begin = text.find_first_not_of(kBlanks);
  text.remove_prefix(begin == ByteView::npos ? text.size() : begin);
}

// An unquoted word; empty where there is none.
ByteView take_word(ByteView& text) noexcept {
  skip_blanks(text);
  size_t end = 0;
  if (!text.empty() && is_letter(text[0])) {
    while (end < text.size() && is_in_name(text[end])) ++end;
  }
  const ByteView word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

std::optional<std::string> take_quoted(ByteView& text) {
  std::string name;
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      if (i + 1 == text.size() || text[i + 1] != '"') {
        text.remove_prefix(i + 1);
        return name;
      }
      ++i;
    }
    name += text[i];
  }
  return std::nullopt;
}

std::string lower(ByteView word) {
  std::string text;
  for (const char c : word) text += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

}  // namespace

std::optional<std::string> deallocated_name(ByteView sql) {
  constexpr size_t kMostLength = 63;  // PostgreSQL cuts longer names
  if (!same_name(take_word(sql), "deallocate")) return std::nullopt;
  std::optional<std::string> name;
  ByteView word = take_word(sql);
  if (same_name(word, "prepare")) word = take_word(sql);
  if (!word.empty()) {
    if (same_name(word, "all")) return std::nullopt;
    name = lower(word);
  } else if (!sql.empty() && sql[0] == '"') {
    name = take_quoted(sql);
  }
  skip_blanks(sql);
  if (!sql.empty() && sql[0] == ';') sql.remove_prefix(1);
  skip_blanks(sql);
  if (!name || name->empty() || name->size() > kMostLength || !sql.empty()) return std::nullopt;
  return name;
}

}  // namespace remuda::session
