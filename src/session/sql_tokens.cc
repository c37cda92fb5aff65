#include "remuda/session/sql_tokens.h"

#include <algorithm>

#include "remuda/base/text.h"

namespace remuda::session {
namespace {

constexpr bool is_blank(char c) noexcept {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

constexpr bool starts_word(char c) noexcept {
  return (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '_' || (c & 0x80) != 0;
}

const char* line_end(const char* at, const char* end) noexcept {
  return std::find_if(at, end, [](char c) { return c == '\n' || c == '\r'; });
}

// Behind a comment that begins at `at`; nullptr when it does not end.
const char* block_comment_end(const char* at, const char* end) noexcept {
  size_t depth = 0;
  while (end - at >= 2) {
    if (at[0] == '/' && at[1] == '*') {
      ++depth;
      at += 2;
    } else if (at[0] == '*' && at[1] == '/') {
      at += 2;
      if (--depth == 0) return at;
    } else {
      ++at;
    }
  }
  return nullptr;
}

const char* skip(const char* at, const char* end) noexcept {
  while (at < end) {
    if (is_blank(*at)) {
      ++at;
    } else if (end - at >= 2 && at[0] == '-' && at[1] == '-') {
      at = line_end(at, end);
    } else if (end - at >= 2 && at[0] == '/' && at[1] == '*') {
      const char* behind = block_comment_end(at, end);
      if (!behind) return at;
      at = behind;
    } else {
      break;
    }
  }
  return at;
}

int digit_value(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char l = to_lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : 99;
}

// A number of at most `most` digits at the front of `text`, which it is taken from.
uint32_t take_digits(ByteView& text, int base, size_t most) noexcept {
  uint32_t value = 0;
  for (size_t i = 0; i < most && !text.empty() && digit_value(text.front()) < base; ++i) {
    value = value * static_cast<uint32_t>(base) + static_cast<uint32_t>(digit_value(text.front()));
    text.remove_prefix(1);
  }
  return value;
}

bool append_utf8(std::string& out, uint32_t code) {
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return false;
  if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
  } else {
    if (code < 0x10000) {
      out += static_cast<char>(0xe0 | code >> 12);
    } else {
      out += static_cast<char>(0xf0 | code >> 18);
      out += static_cast<char>(0x80 | (code >> 12 & 0x3f));
    }
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
  }
  out += static_cast<char>(0x80 | (code & 0x3f));
  return true;
}

// What follows a backslash. False when its meaning is not ours to know.
bool append_escape(std::string& out, ByteView& text, bool utf8) {
  const char c = text.front();
  uint32_t code = 0;
  if (c >= '0' && c <= '7') {
    code = take_digits(text, 8, 3) & 0xff;
  } else {
    text.remove_prefix(1);
    const bool is_hex = !text.empty() && digit_value(text.front()) < 16;
    if (c == 'u' || c == 'U') {
      code = take_digits(text, 16, c == 'u' ? 4 : 8);
      if (code >= 0x80) return utf8 && append_utf8(out, code);
    } else if (c == 'x' && is_hex) {
      code = take_digits(text, 16, 2);
    } else {
      const ByteView letters = "bfnrt";
      const size_t which = letters.find(c);
      out += which == ByteView::npos ? c : "\b\f\n\r\t"[which];
      return true;
    }
  }
  if (code == 0 || code >= 0x80) return false;
  out += static_cast<char>(code);
  return true;
}

// One quoted piece of a string, without its quotes.
bool append_piece(std::string& out, ByteView piece, bool escapes, bool utf8) {
  while (!piece.empty()) {
    const char c = piece.front();
    piece.remove_prefix(1);
    if (c == '\\' && escapes && !piece.empty()) {
      if (!append_escape(out, piece, utf8)) return false;
      continue;
    }
    if (c == '\'' && !piece.empty()) piece.remove_prefix(1);  // doubled
    out += c;
  }
  return true;
}

// The end of a quoted piece that begins behind its opening quote: where its closing quote stands.
size_t piece_end(ByteView text, char quote, bool escapes) noexcept {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && escapes) {
      ++i;
    } else if (text[i] == quote) {
      if (i + 1 == text.size() || text[i + 1] != quote) return i;
      ++i;
    }
  }
  return ByteView::npos;
}

}  // namespace

bool Token::is(const char* word) const noexcept {
  if (kind != Kind::word) return false;
  for (const char c : text) {
    if (*word == '\0' || to_lower(c) != *word++) return false;
  }
  return *word == '\0';
}

ByteView skip_blanks(ByteView text) noexcept {
  const char* end = text.data() + text.size();
  const char* at = skip(text.data(), end);
  return {at, static_cast<size_t>(end - at)};
}

Token SqlTokens::take(Token::Kind kind, const char* begin) noexcept {
  Token token;
  token.kind = kind;
  token.text = {begin, static_cast<size_t>(at_ - begin)};
  return token;
}

Token SqlTokens::bad() noexcept {
  at_ = end_;
  Token token;
  token.kind = Token::Kind::bad;
  return token;
}

Token SqlTokens::next() noexcept {
  at_ = skip(at_, end_);
  if (at_ == end_) return {};
  const char* begin = at_;
  const char c = *at_;
  if (c == '/' && peek(1) == '*') return bad();
  if (starts_word(c)) return word(begin);
  if (c == '\'') return string(begin, !standard_strings_, Token::Kind::string);
  if (c == '"') return quoted_word(begin, Token::Kind::quoted_word);
  if (c == '$') return dollar(begin);
  if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number(begin);
  ++at_;
  return take(Token::Kind::symbol, begin);
}

// Also the letters that stand directly in front of a quote: E'', B'', X'', N'', U&'' and U&"".
Token SqlTokens::word(const char* begin) noexcept {
  const char first = to_lower(*begin);
  const char second = peek(1);
  if (second == '\'') {
    if (first == 'e' || first == 'n' || first == 'b' || first == 'x') {
      ++at_;
      const bool is_odd = first == 'b' || first == 'x';
      const bool escapes = first == 'e' || (first == 'n' && !standard_strings_);
      return string(begin, escapes, is_odd ? Token::Kind::odd_string : Token::Kind::string);
    }
  } else if (first == 'u' && second == '&' && (peek(2) == '\'' || peek(2) == '"')) {
    at_ += 2;
    if (*at_ == '"') return quoted_word(begin, Token::Kind::odd_string);
    return string(begin, false, Token::Kind::odd_string);
  }
  at_ = std::find_if_not(at_, end_, continues_word);
  return take(Token::Kind::word, begin);
}

Token SqlTokens::number(const char* begin) noexcept {
  while (at_ < end_) {
    const bool is_signed_exponent = (*at_ == '+' || *at_ == '-') && to_lower(at_[-1]) == 'e' &&
                                    to_lower(begin[at_ - begin > 1 ? 1 : 0]) != 'x';
    if (at_ > begin && is_signed_exponent && is_digit(peek(1))) {
      ++at_;
    } else if (continues_word(*at_) || *at_ == '.') {
      ++at_;
    } else {
      break;
    }
  }
  return take(Token::Kind::number, begin);
}

// Steps over the quoted piece that begins at its quote. False when it does not end.
bool SqlTokens::close_quote(char quote, bool escapes) noexcept {
  ++at_;
  const size_t size = piece_end(rest(), quote, escapes);
  if (size == ByteView::npos) return false;
  at_ += size + 1;
  return true;
}

// Strings with only blanks between them, and a line's end among these, are one.
bool SqlTokens::continues() noexcept {
  bool has_line_end = false;
  const char* at = at_;
  while (at < end_) {
    if (is_blank(*at)) {
      has_line_end |= *at == '\n' || *at == '\r';
      ++at;
    } else if (end_ - at >= 2 && at[0] == '-' && at[1] == '-') {
      at = line_end(at, end_);
    } else {
      break;
    }
  }
  if (!has_line_end || at == end_ || *at != '\'') return false;
  at_ = at;
  return true;
}

Token SqlTokens::string(const char* begin, bool escapes, Token::Kind kind) noexcept {
  do {
    if (!close_quote('\'', escapes)) return bad();
  } while (continues());
  Token token = take(kind, begin);
  token.escapes = escapes;
  return token;
}

Token SqlTokens::quoted_word(const char* begin, Token::Kind kind) noexcept {
  if (!close_quote('"', false)) return bad();
  return take(kind, begin);
}

Token SqlTokens::dollar(const char* begin) noexcept {
  ++at_;
  if (is_digit(peek())) {
    at_ = std::find_if_not(at_, end_, is_digit);
    return take(Token::Kind::parameter, begin);
  }
  const char* tag_end = at_;
  if (tag_end < end_ && starts_word(*tag_end)) {
    tag_end = std::find_if_not(tag_end, end_, [](char c) { return continues_word(c) && c != '$'; });
  }
  if (tag_end == end_ || *tag_end != '$') return take(Token::Kind::symbol, begin);
  at_ = tag_end + 1;
  const ByteView quote(begin, static_cast<size_t>(at_ - begin));
  const size_t size = rest().find(quote);
  if (size == ByteView::npos) return bad();
  at_ += size + quote.size();
  Token token = take(Token::Kind::string, begin);
  token.dollar = true;
  return token;
}

std::optional<std::string> decode_identifier(const Token& token) {
  std::string name;
  if (token.kind == Token::Kind::word) {
    name = token.text;
    std::transform(name.begin(), name.end(), name.begin(), to_lower);
  } else if (token.kind == Token::Kind::quoted_word) {
    const ByteView inside = token.text.substr(1, token.text.size() - 2);
    for (size_t i = 0; i < inside.size(); ++i) {
      name += inside[i];
      if (inside[i] == '"') ++i;  // doubled
    }
  } else {
    return std::nullopt;
  }
  if (name.size() > kMaxIdentifier) {
    if (!is_ascii(name)) return std::nullopt;
    name.resize(kMaxIdentifier);
  }
  return name;
}

std::optional<std::string> decode_string(const Token& token, bool utf8) {
  if (token.kind != Token::Kind::string) return std::nullopt;
  ByteView text = token.text;
  if (token.dollar) {
    const size_t quote = text.find('$', 1) + 1;
    return std::string(text.substr(quote, text.size() - 2 * quote));
  }
  std::string value;
  // The first piece may have a letter in front; comments between two may have quotes in them.
  text.remove_prefix(text.find('\''));
  while (!text.empty()) {
    text.remove_prefix(1);
    const size_t size = piece_end(text, '\'', token.escapes);
    if (!append_piece(value, text.substr(0, size), token.escapes, utf8)) return std::nullopt;
    text = skip_blanks(text.substr(size + 1));
  }
  return value;
}

}  // namespace remuda::session
