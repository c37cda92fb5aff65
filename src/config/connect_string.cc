#include "config/connect_string.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <variant>

#include "config/nearest.h"
#include "remuda/base/text.h"

namespace remuda::config {
namespace {

constexpr int kMaxPeerId = 65535;
constexpr double kLongestSeconds = 1e10;

// What a number below zero stands for: nothing (so the global value), or zero (no limit).
enum class Negative { unset, zero };

template <class Entry>
struct Port {
  int Entry::*member;
};

template <class Entry>
struct Time {
  std::optional<Micros> Entry::*member;
  Negative negative;
};

template <class Entry>
using Field =
    std::variant<std::string Entry::*, std::optional<std::string> Entry::*,
                 std::vector<std::string> Entry::*, std::optional<int> Entry::*, Port<Entry>,
                 Time<Entry>, std::optional<PoolMode> Entry::*, LoadBalance Entry::*>;

template <class Entry>
struct Key {
  const char* name;
  Field<Entry> field;
};

const std::vector<Key<Database>> kDatabaseKeys = {
    {"dbname", &Database::dbname},
    {"host", &Database::hosts},
    {"port", Port<Database>{&Database::port}},
    {"user", &Database::user},
    {"password", &Database::password},
    {"password_file", &Database::password_file},
    {"auth_user", &Database::auth_user},
    {"auth_query", &Database::auth_query},
    {"auth_dbname", &Database::auth_dbname},
    {"pool_size", &Database::pool_size},
    {"min_pool_size", &Database::min_pool_size},
    {"reserve_pool_size", &Database::reserve_pool_size},
    {"reserve_pool", &Database::reserve_pool_size},
    {"max_db_connections", &Database::max_db_connections},
    {"max_db_client_connections", &Database::max_db_client_connections},
    {"server_lifetime", Time<Database>{&Database::server_lifetime, Negative::unset}},
    {"query_wait_timeout", Time<Database>{&Database::query_wait_timeout, Negative::zero}},
    {"pool_mode", &Database::pool_mode},
    {"load_balance_hosts", &Database::load_balance_hosts},
    {"connect_query", &Database::connect_query},
    {"client_encoding", &Database::client_encoding},
    {"datestyle", &Database::datestyle},
    {"timezone", &Database::timezone},
    {"application_name", &Database::application_name},
};

const std::vector<Key<User>> kUserKeys = {
    {"pool_mode", &User::pool_mode},
    {"pool_size", &User::pool_size},
    {"reserve_pool_size", &User::reserve_pool_size},
    {"max_user_connections", &User::max_user_connections},
    {"max_user_client_connections", &User::max_user_client_connections},
    {"query_timeout", Time<User>{&User::query_timeout, Negative::unset}},
    {"query_wait_timeout", Time<User>{&User::query_wait_timeout, Negative::zero}},
    {"idle_transaction_timeout", Time<User>{&User::idle_transaction_timeout, Negative::unset}},
    {"transaction_timeout", Time<User>{&User::transaction_timeout, Negative::unset}},
    {"client_idle_timeout", Time<User>{&User::client_idle_timeout, Negative::unset}},
};

const std::vector<Key<Peer>> kPeerKeys = {
    {"host", &Peer::host},
    {"port", Port<Peer>{&Peer::port}},
    {"pool_size", &Peer::pool_size},
};

std::optional<Micros> seconds(const std::string& text) {
  if (text.find_first_not_of("0123456789.+-") != text.npos) return std::nullopt;
  char* end = nullptr;
  double value = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || *end != '\0') return std::nullopt;
  if (value < -kLongestSeconds || value > kLongestSeconds) return std::nullopt;
  return std::llround(value * static_cast<double>(kSecond));
}

// Empty if an item is.
std::vector<std::string> host_list(const std::string& text) {
  std::vector<std::string> hosts;
  for (size_t start = 0; start <= text.size();) {
    size_t end = std::min(text.find(',', start), text.size());
    if (end == start) return {};
    hosts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return hosts;
}

// One overload per kind of field: fills it, or returns what is allowed.
template <class Entry>
struct Fill {
  Entry& entry;
  const std::string& text;

  template <class Target, class Value>
  const char* store(Target& target, const Value& value, const char* allowed) const {
    if (!value) return allowed;
    target = *value;
    return nullptr;
  }

  const char* operator()(std::string Entry::*member) const {
    entry.*member = text;
    return nullptr;
  }
  const char* operator()(std::optional<std::string> Entry::*member) const {
    entry.*member = text;
    return nullptr;
  }
  const char* operator()(std::vector<std::string> Entry::*member) const {
    auto hosts = host_list(text);
    if (hosts.empty()) return "hosts separated by single commas";
    entry.*member = std::move(hosts);
    return nullptr;
  }
  const char* operator()(std::optional<int> Entry::*member) const {
    auto value = parse_number<int>(text);
    if (!value) return "a whole number";
    entry.*member = *value >= 0 ? value : std::nullopt;
    return nullptr;
  }
  const char* operator()(Port<Entry> port) const {
    auto value = parse_number<int>(text);
    if (value && (*value < 1 || *value > 65535)) value.reset();
    return store(entry.*port.member, value, "1 to 65535");
  }
  const char* operator()(Time<Entry> time) const {
    auto value = seconds(text);
    if (!value) return "seconds";
    if (*value < 0 && time.negative == Negative::unset) {
      (entry.*time.member).reset();
    } else {
      entry.*time.member = std::max<Micros>(*value, 0);
    }
    return nullptr;
  }
  const char* operator()(std::optional<PoolMode> Entry::*member) const {
    return store(entry.*member, pool_mode_from(text), "session, transaction, statement");
  }
  const char* operator()(LoadBalance Entry::*member) const {
    return store(entry.*member, load_balance_from(text), "round-robin, disable");
  }
};

template <class Entry>
std::string unknown_key(const std::vector<Key<Entry>>& keys, const std::string& name) {
  std::vector<std::string_view> names;
  for (const auto& key : keys) names.emplace_back(key.name);
  std::string meant = nearest(name, names);
  if (!meant.empty()) return fmt::format("{}: unknown key, did you mean {}?", name, meant);
  return fmt::format("{}: unknown key (allowed: {})", name, fmt::join(names, ", "));
}

// Text behind a password may be a part of it that should have been quoted: it is not repeated.
constexpr const char* kBehindPassword =
    "password: what stands behind it is no known key (a value with blanks needs single quotes)";

template <class Entry>
void read_pairs(Entry& entry, const std::vector<Key<Entry>>& keys, std::string_view text,
                std::vector<std::string>& problems) {
  PairError error;
  Pairs pairs = parse_pairs(text, error);
  bool behind_password = false;
  for (const auto& [name, value] : pairs) {
    const Key<Entry>* known = nullptr;
    for (const auto& key : keys) {
      if (name == key.name) known = &key;
    }
    if (!known) {
      problems.push_back(behind_password ? kBehindPassword : unknown_key(keys, name));
      continue;
    }
    behind_password = name == "password";
    const char* allowed = std::visit(Fill<Entry>{entry, value}, known->field);
    if (allowed) {
      problems.push_back(fmt::format("{}: bad value \"{}\" (allowed: {})", name, value, allowed));
    }
  }
  if (!error) return;
  problems.push_back(behind_password
                         ? kBehindPassword
                         : fmt::format("{}, at byte {}", error.what, error.position + 1));
}

// Cuts one pair after the other off a text.
class PairReader {
 public:
  PairReader(std::string_view text, PairError& error) : text_(text), error_(error) {}

  // False at the end of the text and at an error.
  bool next(std::string& key, std::string& value) {
    skip_blanks();
    if (at_ == text_.size()) return false;
    size_t start = at_;
    at_ = std::min(text_.find_first_of(" =", at_), text_.size());
    key = text_.substr(start, at_ - start);
    if (key.empty()) return fail("key missing in front of =", start);
    skip_blanks();
    if (at_ == text_.size() || text_[at_] != '=') return fail_without_value(key, start);
    ++at_;
    skip_blanks();
    size_t value_start = at_;
    bool read = at_ < text_.size() && text_[at_] == '\'' ? quoted(value) : plain(value);
    if (read && value.empty()) return fail(key + ": empty value", value_start);
    return read;
  }

 private:
  void skip_blanks() { at_ = std::min(text_.find_first_not_of(' ', at_), text_.size()); }

  bool fail(const std::string& what, size_t position) {
    error_ = {what, position};
    return false;
  }

  bool fail_without_value(const std::string& key, size_t start) {
    if (key[0] == '#' || key[0] == ';') {
      return fail("a comment must stand on a line of its own here", start);
    }
    return fail(key + ": not followed by =", start);
  }

  bool plain(std::string& value) {
    size_t end = std::min(text_.find(' ', at_), text_.size());
    value = text_.substr(at_, end - at_);
    at_ = end;
    return true;
  }

  bool quoted(std::string& value) {
    size_t start = at_;
    value.clear();
    while (true) {
      size_t quote = text_.find('\'', at_ + 1);
      if (quote == text_.npos) return fail("quote not closed", start);
      value += text_.substr(at_ + 1, quote - at_ - 1);
      at_ = quote + 1;
      if (at_ == text_.size() || text_[at_] == ' ') return true;
      if (text_[at_] != '\'') return fail("a blank must follow a closing quote", at_);
      value += '\'';
    }
  }

  std::string_view text_;
  PairError& error_;
  size_t at_ = 0;
};

}  // namespace

Pairs parse_pairs(std::string_view text, PairError& error) {
  error = {};
  Pairs pairs;
  PairReader reader(text, error);
  std::string key;
  std::string value;
  while (reader.next(key, value)) pairs.emplace_back(key, value);
  return pairs;
}

bool read_database(Database& database, std::string_view text, std::vector<std::string>& problems) {
  size_t before = problems.size();
  if (database.name.empty() || database.name.size() > kMaxDatabaseName) {
    problems.push_back(fmt::format("{}: bad name of a database (allowed: 1 to {} bytes)",
                                   database.name, kMaxDatabaseName));
  }
  if (is_console(database.name)) {
    problems.push_back(database.name + ": reserved name, it is the console");
  }
  read_pairs(database, kDatabaseKeys, text, problems);
  if (database.password && database.password_file) {
    problems.emplace_back("password_file: there is a password as well (allowed: one of them)");
  }
  if (database.dbname.empty()) database.dbname = database.name;
  return problems.size() == before;
}

bool read_user(User& user, std::string_view text, std::vector<std::string>& problems) {
  size_t before = problems.size();
  if (user.name.empty() || user.name.size() > kMaxUserName) {
    problems.push_back(
        fmt::format("{}: bad name of a user (allowed: 1 to {} bytes)", user.name, kMaxUserName));
  }
  read_pairs(user, kUserKeys, text, problems);
  return problems.size() == before;
}

bool read_peer(Peer& peer, std::string_view text, std::vector<std::string>& problems) {
  size_t before = problems.size();
  if (peer.id < 1 || peer.id > kMaxPeerId) {
    problems.push_back(fmt::format("{}: bad peer (allowed: 1 to {})", peer.id, kMaxPeerId));
  }
  read_pairs(peer, kPeerKeys, text, problems);
  if (peer.host.empty()) problems.emplace_back("host: missing");
  return problems.size() == before;
}

}  // namespace remuda::config
