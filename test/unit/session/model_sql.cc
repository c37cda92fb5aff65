#include "unit/session/model_sql.h"

#include <algorithm>
#include <cctype>

#include "support/catch.h"

namespace remuda::session::test {
namespace {

using Kind = ModelToken::Kind;

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool read(ModelToken& token) {
    while (!text_.empty() && text_[0] == ' ') text_.remove_prefix(1);
    if (text_.empty()) return false;
    const char first = text_[0];
    if (text_.starts_with("E'")) {
      text_.remove_prefix(1);
      token = {Kind::string, quoted('\'', true)};
    } else if (first == '\'' || first == '"') {
      token = {first == '"' ? Kind::quoted : Kind::string, quoted(first, false)};
    } else if (first == '$' || std::isdigit(static_cast<unsigned char>(first)) != 0) {
      const bool is_parameter = first == '$';
      if (is_parameter) text_.remove_prefix(1);
      token = {is_parameter ? Kind::parameter : Kind::number, word()};
    } else if (is_word(first)) {
      token = {Kind::word, word()};
    } else {
      token = {Kind::symbol, std::string(1, first)};
      text_.remove_prefix(1);
    }
    return true;
  }

 private:
  std::string word() {
    std::string word;
    for (; !text_.empty() && is_word(text_[0]); text_.remove_prefix(1)) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(text_[0])));
    }
    return word;
  }

  std::string quoted(char quote, bool escapes) {
    std::string value;
    for (text_.remove_prefix(1); !text_.empty(); text_.remove_prefix(1)) {
      if (text_[0] == quote || (escapes && text_[0] == '\\')) {
        const bool is_end = text_[0] == quote && (text_.size() == 1 || text_[1] != quote);
        text_.remove_prefix(1);
        if (is_end) return value;
      }
      value += text_[0];
    }
    FAIL("a quote that does not end");
    return value;
  }

  std::string_view text_;
};

}  // namespace

std::string ModelSql::text() const {
  std::string text;
  for (const ModelToken& token : tokens) {
    if (!text.empty()) text += ' ';
    if (token.kind == Kind::parameter) text += '$';
    text += token.kind == Kind::string ? '\'' + token.text + '\'' : token.text;
  }
  return text;
}

size_t ModelSql::parameters() const {
  size_t most = 0;
  if (!is(0, "select")) return most;
  for (const ModelToken& token : tokens) {
    if (token.kind == Kind::parameter) most = std::max<size_t>(most, std::stoul(token.text));
  }
  return most;
}

bool ModelSql::calls_set_config() const {
  return is(0, "select") && (is(1, "set_config") || (is(1, "pg_catalog") && is(3, "set_config")));
}

bool ModelSql::returns_rows() const {
  return is(0, "select") || is(0, "show") || is(0, "execute");
}

bool ModelSql::ends_transaction() const {
  return is(0, "commit") || is(0, "rollback");
}

bool ModelSql::controls_transaction() const {
  return ends_transaction() || is(0, "begin") || is(0, "savepoint") || is(0, "release");
}

ModelSql ModelSql::behind(size_t i) const {
  return {{tokens.begin() + static_cast<std::ptrdiff_t>(std::min(i, tokens.size())), tokens.end()}};
}

std::vector<ModelSql> read_model_sql(std::string_view text) {
  std::vector<ModelSql> statements(1);
  Reader reader(text);
  ModelToken token;
  while (reader.read(token)) {
    if (!token.is(";")) {
      statements.back().tokens.push_back(token);
    } else if (!statements.back().tokens.empty()) {
      statements.emplace_back();
    }
  }
  if (statements.back().tokens.empty()) statements.pop_back();
  return statements;
}

}  // namespace remuda::session::test
