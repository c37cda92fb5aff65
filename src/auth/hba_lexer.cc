#include "auth/hba_lexer.h"

#include <algorithm>

namespace remuda::auth {

void HbaLexer::next() {
  rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n\f\v"), rest_.size()));
  if (rest_.empty() || rest_[0] == '#') {
    token_ = HbaToken::end;
    rest_ = {};
  } else if (rest_[0] == ',') {
    token_ = HbaToken::comma;
    rest_.remove_prefix(1);
  } else {
    read_word(" \t\r\n\f\v,#");
  }
}

void HbaLexer::next_option() {
  rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n\f\v,"), rest_.size()));
  if (rest_.empty() || rest_[0] == '#') {
    token_ = HbaToken::end;
    rest_ = {};
  } else {
    read_word(" \t\r\n\f\v,");
  }
}

void HbaLexer::read_word(std::string_view ends) {
  text_.clear();
  is_quoted_ = rest_[0] == '"';
  bool in_quotes = false;
  while (!rest_.empty()) {
    const char c = rest_[0];
    if (!in_quotes && ends.find(c) != ends.npos) break;
    rest_.remove_prefix(1);
    if (c != '"') {
      text_ += c;
    } else if (in_quotes && rest_.starts_with('"')) {
      text_ += c;
      rest_.remove_prefix(1);
    } else {
      in_quotes = !in_quotes;
    }
  }
  token_ = in_quotes ? HbaToken::open_quote : HbaToken::word;
}

}  // namespace remuda::auth
