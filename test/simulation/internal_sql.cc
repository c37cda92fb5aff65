// The SQL of the pool itself, as a server reads it: SET, RESET, set_config and DISCARD ALL.
#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

#include "simulation/model_server.h"

namespace remuda::simulation {
namespace {

class Sql {
 public:
  explicit Sql(std::string_view text) : left_(text) {}

  bool at_end() const { return left_.empty(); }

  bool skip(std::string_view word) {
    if (!left_.starts_with(word)) return false;
    left_.remove_prefix(word.size());
    return true;
  }

  std::string name() {
    if (skip("\"")) return until_quote('"', false);
    size_t n = 0;
    while (n < left_.size() && (std::isalnum(static_cast<unsigned char>(left_[n])) ||
                                left_[n] == '_' || left_[n] == '.')) {
      ++n;
    }
    const std::string text(left_.substr(0, n));
    left_.remove_prefix(n);
    return text;
  }

  // A literal of either kind, as with standard_conforming_strings on.
  std::string literal() {
    skip(" ");
    const bool escapes = skip("E");
    skip("'");
    return until_quote('\'', escapes);
  }

  // A literal, or one that is converted from the client's encoding.
  std::string expression() {
    if (!skip("pg_catalog.convert_from(pg_catalog.decode(")) return literal();
    const std::string hex = literal();
    std::string bytes;
    for (size_t i = 0; i + 1 < hex.size(); i += 2) {
      bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    }
    skip(",'hex'),");
    literal();
    skip(")");
    return bytes;
  }

 private:
  std::string until_quote(char quote, bool escapes) {
    std::string text;
    while (!left_.empty()) {
      const char c = left_[0];
      left_.remove_prefix(1);
      if (c == quote && !skip(std::string_view(&quote, 1))) break;
      if (c == '\\' && escapes && !left_.empty()) left_.remove_prefix(1);
      text += c;
    }
    return text;
  }

  std::string_view left_;
};

// The names of a server are compared without case.
std::string known_name(const std::string& name, const ModelServer::Parameters& known) {
  for (const auto& entry : known) {
    if (entry.first.size() == name.size() &&
        std::equal(name.begin(), name.end(), entry.first.begin(),
                   [](char a, char b) { return std::tolower(a) == std::tolower(b); })) {
      return entry.first;
    }
  }
  return name;
}

}  // namespace

// False when a statement failed; the failure has been answered.
bool ModelServer::run_internal(std::string_view text) {
  Sql sql(text);
  while (!sql.at_end()) {
    if (sql.skip("DISCARD ALL")) {
      parameters_ = defaults();
      complete("DISCARD ALL");
    } else if (sql.skip("RESET ")) {
      const std::string name = known_name(sql.name(), parameters_);
      const auto own = defaults().find(name);
      if (own == defaults().end()) {
        parameters_.erase(name);
      } else {
        parameters_[name] = own->second;
      }
      complete("RESET");
    } else {
      const bool call = sql.skip("SELECT pg_catalog.set_config(");
      if (!call && !sql.skip("SET ")) {
        fail("syntax");
        return false;
      }
      const std::string name = known_name(call ? sql.literal() : sql.name(), parameters_);
      sql.skip(call ? "," : "=");
      const std::string value = sql.expression();
      sql.skip(",false)");
      if (value == "impossible") {
        fail("invalid value");
        return false;
      }
      if (call) emit('T');
      if (call) emit('D', value);
      set(name, value);
      complete("SET");
    }
    sql.skip(";");
  }
  end_transaction(true);
  return true;
}

}  // namespace remuda::simulation
