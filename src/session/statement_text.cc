#include "remuda/session/statement_text.h"

#include "remuda/base/text.h"
#include "token_walk.h"

namespace remuda::session {
namespace {

using Kind = StatementKind;

// The words of a statement's beginning; strings do not occur there.
class Words : public TokenWalk {
 public:
  explicit Words(ByteView text) noexcept : TokenWalk(text, true) {}
};

// Whether text begins with this word, of which the first letter has been compared; `rest` is then
// what follows it.
bool begins(ByteView text, const char* word, ByteView& rest) noexcept {
  size_t i = 1;
  for (; word[i] != '\0'; ++i) {
    if (i == text.size() || to_lower(text[i]) != word[i]) return false;
  }
  if (i < text.size() && continues_word(text[i])) return false;
  rest = text.substr(i);
  return true;
}

// AND [NO] CHAIN at the end of COMMIT and ROLLBACK.
bool chains(Words& words) noexcept {
  return words.take("and") && words.is("chain");
}

void take_work(Words& words) noexcept {
  if (!words.take("work")) words.take("transaction");
}

Kind end_kind(ByteView rest) noexcept {
  Words words(rest);
  if (words.is("prepared")) return Kind::other;
  take_work(words);
  return chains(words) ? Kind::commit_and_chain : Kind::commit;
}

Kind rollback_kind(ByteView rest) noexcept {
  Words words(rest);
  if (words.is("prepared")) return Kind::other;
  take_work(words);
  if (words.is("to")) return Kind::rollback_to;
  return chains(words) ? Kind::rollback_and_chain : Kind::rollback;
}

Kind discard_kind(ByteView rest) noexcept {
  const Words words(rest);
  if (words.is("all")) return Kind::discard_all;
  return words.is("temp") || words.is("temporary") ? Kind::discard_temp : Kind::discard;
}

Kind deallocate_kind(ByteView rest) noexcept {
  Words words(rest);
  words.take("prepare");
  return words.is("all") ? Kind::deallocate_all : Kind::deallocate;
}

// DECLARE name [options] CURSOR [WITH HOLD] FOR ...
Kind declare_kind(ByteView rest) noexcept {
  Words words(rest);
  words.advance();
  while (words.token().kind == Token::Kind::word && !words.is("cursor")) words.advance();
  const bool holds = words.take("cursor") && words.take("with") && words.is("hold");
  return holds ? Kind::declare_hold_cursor : Kind::declare_cursor;
}

Kind create_kind(ByteView rest) noexcept {
  Words words(rest);
  if (words.take("or")) words.take("replace");
  if (!words.take("local")) words.take("global");
  return words.is("temp") || words.is("temporary") ? Kind::create_temp : Kind::other;
}

bool calls_set_config(ByteView text) noexcept {
  SqlTokens tokens(text, true);
  Token token = tokens.next();
  const auto is_name = [&](const char* name, ByteView quoted) {
    return token.is(name) || (token.kind == Token::Kind::quoted_word && token.text == quoted);
  };
  if (is_name("pg_catalog", "\"pg_catalog\"")) {
    if (!tokens.next().is('.')) return false;
    token = tokens.next();
  }
  return is_name("set_config", "\"set_config\"") && tokens.next().is('(');
}

// SELECT [pg_catalog.]set_config(. The first letter decides for nearly every query there is.
Kind select_kind(ByteView rest) noexcept {
  size_t at = 0;
  while (at < rest.size() && rest[at] == ' ') ++at;
  ByteView text = rest.substr(at);
  if (text.empty()) return Kind::other;
  if (text.front() < ' ' || text.front() == '/' || text.front() == '-') text = skip_blanks(text);
  if (text.empty()) return Kind::other;
  const char first = to_lower(text.front());
  ByteView behind;
  const bool is_name = (first == 's' && begins(text, "set_config", behind)) ||
                       (first == 'p' && begins(text, "pg_catalog", behind)) || first == '"';
  return is_name && calls_set_config(text) ? Kind::select_set_config : Kind::other;
}

Kind kind_s(ByteView text) noexcept {
  ByteView rest;
  if (begins(text, "select", rest)) return select_kind(rest);
  if (begins(text, "set", rest)) return Kind::set;
  if (begins(text, "savepoint", rest)) return Kind::savepoint;
  if (begins(text, "start", rest)) return Kind::begin;
  return Kind::other;
}

Kind kind_d(ByteView text) noexcept {
  ByteView rest;
  if (begins(text, "delete", rest)) return Kind::other;
  if (begins(text, "discard", rest)) return discard_kind(rest);
  if (begins(text, "deallocate", rest)) return deallocate_kind(rest);
  if (begins(text, "declare", rest)) return declare_kind(rest);
  return begins(text, "do", rest) ? Kind::do_block : Kind::other;
}

Kind kind_c(ByteView text) noexcept {
  ByteView rest;
  if (begins(text, "commit", rest)) return end_kind(rest);
  if (begins(text, "create", rest)) return create_kind(rest);
  return begins(text, "call", rest) ? Kind::call : Kind::other;
}

Kind kind_r(ByteView text) noexcept {
  ByteView rest;
  if (begins(text, "rollback", rest)) return rollback_kind(rest);
  if (begins(text, "release", rest)) return Kind::release;
  return begins(text, "reset", rest) ? Kind::reset : Kind::other;
}

Kind kind_p(ByteView text) noexcept {
  ByteView rest;
  if (!begins(text, "prepare", rest)) return Kind::other;
  // A statement may be called "transaction": PREPARE transaction AS ...; a transaction has a
  // string.
  Words words(rest);
  const bool is_transaction =
      words.take("transaction") && words.token().kind == Token::Kind::string;
  return is_transaction ? Kind::prepare_transaction : Kind::prepare;
}

Kind kind_if(ByteView text, const char* word, Kind kind) noexcept {
  ByteView rest;
  return begins(text, word, rest) ? kind : Kind::other;
}

ByteView skip_empty_statements(ByteView text) noexcept {
  while (true) {
    text = skip_blanks(text);
    if (text.empty() || text.front() != ';') return text;
    text.remove_prefix(1);
  }
}

// Follows the bodies of functions in SQL, whose statements end with semicolons of their own:
// CREATE [OR REPLACE] FUNCTION ... BEGIN ATOMIC ...; ...; END. And CREATE RULE ... DO (...; ...).
class Nesting {
 public:
  void note(const Token& token) noexcept {
    if (token.is('(')) ++parentheses_;
    if (token.is(')') && parentheses_ > 0) --parentheses_;
    if (token.kind != Token::Kind::word && token.kind != Token::Kind::quoted_word) return;
    ++words_;
    if (words_ == 1) is_create_ = token.is("create");
    if (!is_create_) return;
    if (words_ <= 4 && (token.is("function") || token.is("procedure"))) is_routine_ = true;
    if (!is_routine_ || parentheses_ > 0) return;
    const bool is_body = follows_begin_ && token.is("atomic");
    follows_begin_ = token.is("begin");
    if (is_body || (token.is("case") && blocks_ > 0)) ++blocks_;
    if (token.is("end") && blocks_ > 0) --blocks_;
  }
  bool is_top() const noexcept { return parentheses_ == 0 && blocks_ == 0; }

 private:
  size_t parentheses_ = 0;
  size_t blocks_ = 0;
  size_t words_ = 0;
  bool is_create_ = false;
  bool is_routine_ = false;
  bool follows_begin_ = false;
};

// Steps over an optional key word, which may also be the name itself: RELEASE savepoint.
void take_noise(Words& words, const char* word) noexcept {
  if (!words.is_last()) words.take(word);
}

}  // namespace

StatementKind statement_kind(ByteView text) noexcept {
  if (text.empty()) return Kind::empty;
  char first = to_lower(text.front());
  if (first < 'a' || first > 'z') {
    text = skip_empty_statements(text);
    if (text.empty()) return Kind::empty;
    first = to_lower(text.front());
  }
  switch (first) {
    case 'a':
      return kind_if(text, "abort", Kind::rollback) == Kind::other ? Kind::other
                                                                   : rollback_kind(text.substr(5));
    case 'b':
      return kind_if(text, "begin", Kind::begin);
    case 'c':
      return kind_c(text);
    case 'd':
      return kind_d(text);
    case 'e':
      if (kind_if(text, "end", Kind::commit) == Kind::commit) return end_kind(text.substr(3));
      return kind_if(text, "execute", Kind::execute);
    case 'l':
      if (kind_if(text, "load", Kind::load) == Kind::load) return Kind::load;
      return kind_if(text, "listen", Kind::listen);
    case 'n':
      return kind_if(text, "notify", Kind::notify);
    case 'p':
      return kind_p(text);
    case 'r':
      return kind_r(text);
    case 's':
      return kind_s(text);
    case 'u':
      return kind_if(text, "unlisten", Kind::unlisten);
    default:
      return Kind::other;
  }
}

bool may_hold_more(ByteView text) noexcept {
  const size_t semicolon = text.find(';');
  if (semicolon == ByteView::npos) return false;
  return !skip_empty_statements(text.substr(semicolon)).empty();
}

bool next_statement(ByteView& text, ByteView& statement, bool standard_strings) noexcept {
  text = skip_empty_statements(text);
  if (text.empty()) return false;
  SqlTokens tokens(text, standard_strings);
  Nesting nesting;
  while (true) {
    const ByteView before = tokens.rest();
    const Token token = tokens.next();
    if (token.kind == Token::Kind::end || token.kind == Token::Kind::bad) {
      statement = text;
      text = {};
      return true;
    }
    if (token.is(';') && nesting.is_top()) {
      const auto size = static_cast<size_t>(before.data() - text.data());
      statement = text.substr(0, size);
      text = tokens.rest();
      return true;
    }
    nesting.note(token);
  }
}

std::optional<std::string> statement_name(StatementKind kind, ByteView statement) {
  ByteView tail;
  return statement_name(kind, statement, tail);
}

std::optional<std::string> statement_name(StatementKind kind, ByteView statement, ByteView& tail) {
  Words words(skip_empty_statements(statement));
  words.advance();
  if (kind == Kind::rollback_to) {
    take_work(words);
    words.take("to");
  }
  if (kind == Kind::rollback_to || kind == Kind::release) take_noise(words, "savepoint");
  if (kind == Kind::deallocate) take_noise(words, "prepare");
  tail = words.behind();
  return decode_identifier(words.token());
}

std::optional<std::string> deallocated_name(ByteView statement) {
  if (statement_kind(statement) != Kind::deallocate) return std::nullopt;
  ByteView tail;
  std::optional<std::string> name = statement_name(Kind::deallocate, statement, tail);
  if (!skip_empty_statements(tail).empty()) return std::nullopt;
  return name;
}

}  // namespace remuda::session
