// The SQL that the models of PostgreSQL understand, read without any help of the session layer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace remuda::session::test {

struct ModelToken {
  enum class Kind { word, quoted, string, number, parameter, symbol };
  Kind kind;
  std::string text;  // words in lower case, strings and quoted words as what they stand for

  bool is(std::string_view what) const {
    return (kind == Kind::word || kind == Kind::symbol) && text == what;
  }
  bool is_name() const { return kind == Kind::word || kind == Kind::quoted; }
};

// One statement of a text.
struct ModelSql {
  std::vector<ModelToken> tokens;

  bool is(size_t i, std::string_view what) const { return i < tokens.size() && tokens[i].is(what); }
  // A row has this for the text of what it comes from, however that was spaced.
  std::string text() const;
  size_t parameters() const;
  bool returns_rows() const;
  bool calls_set_config() const;
  // COMMIT and ROLLBACK in all their forms: what a failed transaction takes.
  bool ends_transaction() const;
  bool controls_transaction() const;
  // What follows from this token on.
  ModelSql behind(size_t i) const;
};

// The statements of a text, without empty ones.
std::vector<ModelSql> read_model_sql(std::string_view text);

}  // namespace remuda::session::test
