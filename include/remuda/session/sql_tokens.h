// The lexical tokens of SQL text, as PostgreSQL's scanner cuts it: enough to find where statements
// end and to read the few statements that change session state, not a parser. Views into the text;
// linear in its length, never reads outside, allocates only in the functions that decode. Text that
// PostgreSQL would refuse gives Token::Kind::bad or nonsense, and it refuses all of it.
// PostgreSQL manual, SQL Syntax: Lexical Structure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "remuda/base/bytes.h"
#include "remuda/base/text.h"

namespace remuda::session {

struct Token {
  enum class Kind : uint8_t {
    end,
    bad,          // a quote or a comment that is never closed; nothing follows
    word,         // a key word or an identifier without quotes
    quoted_word,  // "..."
    string,       // '...' and E'...', with all its continuations; $$...$$
    odd_string,   // B'', X'', U&'' and U&"": not decoded
    number,
    parameter,  // $1
    symbol,     // any other single character
  };
  Kind kind = Kind::end;
  bool escapes = false;  // of a string: a backslash is special
  bool dollar = false;   // of a string: the text between two dollar quotes
  ByteView text;         // as written, with its quotes

  // A key word, in lower case.
  bool is(const char* word) const noexcept;
  bool is(char symbol) const noexcept { return kind == Kind::symbol && text.front() == symbol; }
};

// Whether a word that has begun goes on with it.
constexpr bool continues_word(char c) noexcept {
  return is_letter_or_digit(c) || c == '_' || c == '$' || (c & 0x80) != 0;
}

class SqlTokens {
 public:
  // `standard_strings` is standard_conforming_strings: with off, '...' knows backslashes.
  SqlTokens(ByteView text, bool standard_strings) noexcept
      : at_(text.data()), end_(at_ + text.size()), standard_strings_(standard_strings) {}

  Token next() noexcept;
  // What follows the last token, beginning with blanks and comments.
  ByteView rest() const noexcept { return {at_, static_cast<size_t>(end_ - at_)}; }

 private:
  Token take(Token::Kind kind, const char* begin) noexcept;
  Token bad() noexcept;
  Token word(const char* begin) noexcept;
  Token number(const char* begin) noexcept;
  Token string(const char* begin, bool escapes, Token::Kind kind) noexcept;
  Token dollar(const char* begin) noexcept;
  Token quoted_word(const char* begin, Token::Kind kind) noexcept;
  bool close_quote(char quote, bool escapes) noexcept;
  bool continues() noexcept;
  char peek(size_t ahead = 0) const noexcept {
    return static_cast<size_t>(end_ - at_) > ahead ? at_[ahead] : '\0';
  }

  const char* at_;
  const char* end_;
  bool standard_strings_;
};

// The text without the blanks and comments it begins with; everything when a comment does not end.
ByteView skip_blanks(ByteView text) noexcept;

// Longest identifier; the rest of a longer one is cut off, as PostgreSQL does.
constexpr size_t kMaxIdentifier = 63;

// The identifier that a word or quoted word stands for: folded to lower case or unquoted, and cut.
// Nothing for other tokens, and when it would have to be cut inside other letters than ASCII.
std::optional<std::string> decode_identifier(const Token& token);

// The value of a string, in the bytes of the query's encoding. Nothing for other tokens and for
// escapes whose meaning depends on the server's encoding; `utf8` says that the query is in UTF8.
std::optional<std::string> decode_string(const Token& token, bool utf8);

}  // namespace remuda::session
