// Reads the tokens of one statement, one ahead. Used by what reads statements in the session layer.
#pragma once

#include "remuda/session/sql_tokens.h"

namespace remuda::session {

class TokenWalk {
 public:
  TokenWalk(ByteView text, bool standard_strings) noexcept : tokens_(text, standard_strings) {
    token_ = tokens_.next();
  }

  const Token& token() const noexcept { return token_; }
  // The token behind it.
  Token ahead() const noexcept {
    SqlTokens tokens = tokens_;
    return tokens.next();
  }
  // The text behind the token.
  ByteView behind() const noexcept { return tokens_.rest(); }
  void advance() noexcept { token_ = tokens_.next(); }

  bool is(const char* word) const noexcept { return token_.is(word); }
  bool is(char symbol) const noexcept { return token_.is(symbol); }
  // Steps over it if it is this word or symbol.
  bool take(const char* word) noexcept { return take_if(token_.is(word)); }
  bool take(char symbol) noexcept { return take_if(token_.is(symbol)); }

  bool at_end() const noexcept { return ends(token_); }
  bool is_last() const noexcept { return ends(ahead()); }

 private:
  static bool ends(const Token& token) noexcept {
    return token.kind == Token::Kind::end || token.is(';');
  }
  bool take_if(bool is_it) noexcept {
    if (is_it) advance();
    return is_it;
  }

  SqlTokens tokens_;
  Token token_;
};

}  // namespace remuda::session
