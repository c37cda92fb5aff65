// Takes one line of an HBA or ident file apart: words, and the commas between those of a list.
// Borrows the line and wipes its words, one of which may be a password. PostgreSQL manual, The
// pg_hba.conf File.
#pragma once

#include <string>
#include <string_view>

#include "remuda/wire/crypto.h"

namespace remuda::auth {

enum class HbaToken { word, comma, end, open_quote };

// Stands on the first token at once. A word ends at a blank, a comma or '#', unless these are in
// double quotes; in quotes "" is a quote.
class HbaLexer {
 public:
  explicit HbaLexer(std::string_view line) : rest_(line) { next(); }
  ~HbaLexer() { wire::wipe(text_); }
  HbaLexer(const HbaLexer&) = delete;
  HbaLexer& operator=(const HbaLexer&) = delete;

  HbaToken token() const noexcept { return token_; }
  // Of a word, without quotes.
  const std::string& text() const noexcept { return text_; }
  // The word began with a quote, so it is no keyword.
  bool is_quoted() const noexcept { return is_quoted_; }
  bool is_keyword(std::string_view keyword) const noexcept {
    return token_ == HbaToken::word && !is_quoted_ && text_ == keyword;
  }

  void next();
  // As next(), for `name=value` words: commas only separate them, and '#' starts a comment only
  // where a word would start. PgBouncer takes passwords such as a#b so.
  void next_option();

 private:
  void read_word(std::string_view ends);

  std::string_view rest_;
  HbaToken token_ = HbaToken::end;
  std::string text_;
  bool is_quoted_ = false;
};

}  // namespace remuda::auth
