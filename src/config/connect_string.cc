#include "config/connect_string.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <variant>

#include "config/nearest.h"
#include "config/rest_url.h"
#include "config/setting.h"
#include "remuda/base/text.h"

namespace remuda::config {
namespace {

constexpr int kMaxPeerId = 65535;

// What a number below zero stands for: nothing (so the global value), or zero (no limit).
enum class Negative { unset, zero };

template <class Entry>
struct Port {
  int Entry::*member;
};

// Numbers separated by commas. A single one may have a place of its own.
template <class Entry>
struct Numbers {
  std::vector<int> Entry::*member;
  int Entry::*single;  // or null
  int low;
  int high;
  const char* allowed;
};

template <class Entry>
struct Time {
  std::optional<Micros> Entry::*member;
  Negative negative;
};

template <class Entry>
struct RestUrls {
  std::vector<std::string> Entry::*member;
};

template <class Entry>
using Field =
    std::variant<std::string Entry::*, std::optional<std::string> Entry::*,
                 std::vector<std::string> Entry::*, std::optional<int> Entry::*, Port<Entry>,
                 Numbers<Entry>, Time<Entry>, RestUrls<Entry>, std::optional<PoolMode> Entry::*,
                 LoadBalance Entry::*, TargetSession Entry::*, std::optional<bool> Entry::*>;

template <class Entry>
struct Key {
  const char* name;
  Field<Entry> field;
};

const std::vector<Key<Database>> kDatabaseKeys = {
    {"dbname", &Database::dbname},
    {"host", &Database::hosts},
    {"port", Numbers<Database>{&Database::ports, &Database::port, 1, 65535, "1 to 65535"}},
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
    {"host_weights", Numbers<Database>{&Database::host_weights, nullptr, 0, 1000, "0 to 1000"}},
    {"target_session_attrs", &Database::target_session_attrs},
    {"health_check", &Database::health_check},
    {"patroni_urls", RestUrls<Database>{&Database::patroni_urls}},
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

std::optional<Micros> signed_seconds(const std::string& text) {
  if (text.find_first_not_of("0123456789.+-") != text.npos) return std::nullopt;
  char* end = nullptr;
  double value = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || *end != '\0') return std::nullopt;
  if (value < -kLongestSeconds || value > kLongestSeconds) return std::nullopt;
  return std::llround(value * static_cast<double>(kSecond));
}

// Nothing if an item is empty.
std::vector<std::string> comma_list(const std::string& text) {
  std::vector<std::string> items;
  for (size_t start = 0; start <= text.size();) {
    size_t end = std::min(text.find(',', start), text.size());
    if (end == start) return {};
    items.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return items;
}

// Empty if one of them is none.
std::vector<int> number_list(const std::string& text, int low, int high) {
  std::vector<int> numbers;
  for (const std::string& item : comma_list(text)) {
    const auto value = parse_number<int>(item);
    if (!value || *value < low || *value > high) return {};
    numbers.push_back(*value);
  }
  return numbers;
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
    auto hosts = comma_list(text);
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
  const char* operator()(Numbers<Entry> numbers) const {
    auto values = number_list(text, numbers.low, numbers.high);
    if (values.empty()) return numbers.allowed;
    if (numbers.single) entry.*numbers.single = values.front();
    if (numbers.single && values.size() == 1) values.clear();
    entry.*numbers.member = std::move(values);
    return nullptr;
  }
  const char* operator()(Time<Entry> time) const {
    auto value = signed_seconds(text);
    if (!value) return "seconds";
    if (*value < 0 && time.negative == Negative::unset) {
      (entry.*time.member).reset();
    } else {
      entry.*time.member = std::max<Micros>(*value, 0);
    }
    return nullptr;
  }
  const char* operator()(RestUrls<Entry> urls) const {
    auto list = comma_list(text);
    if (list.empty() || !std::all_of(list.begin(), list.end(), is_rest_url)) return kRestUrls;
    entry.*urls.member = std::move(list);
    return nullptr;
  }
  const char* operator()(std::optional<PoolMode> Entry::*member) const {
    return store(entry.*member, pool_mode_from(text), "session, transaction, statement");
  }
  const char* operator()(LoadBalance Entry::*member) const {
    return store(entry.*member, load_balance_from(text),
                 "round-robin, random, least-active, disable");
  }
  const char* operator()(TargetSession Entry::*member) const {
    return store(entry.*member, target_session_from(text),
                 "any, read-write, read-only, primary, standby, prefer-standby");
  }
  const char* operator()(std::optional<bool> Entry::*member) const {
    if (text != "0" && text != "1") return "0, 1";
    entry.*member = text == "1";
    return nullptr;
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

// Text behind a password, or behind a URL, which may have one, may be a part of it that should have
// been quoted: it is not repeated.
std::string behind_secret(const std::string& key) {
  return key + ": what stands behind it is no known key (a value with blanks needs single quotes)";
}

bool may_be_secret(const std::string& key) {
  return key == "password" || key == "patroni_urls";
}

template <class Entry>
void read_pairs(Entry& entry, const std::vector<Key<Entry>>& keys, std::string_view text,
                std::vector<std::string>& problems) {
  PairError error;
  Pairs pairs = parse_pairs(text, error);
  std::string secret;  // the key in front, if its value may be secret
  for (const auto& [name, value] : pairs) {
    const Key<Entry>* known = nullptr;
    for (const auto& key : keys) {
      if (name == key.name) known = &key;
    }
    if (!known) {
      problems.push_back(secret.empty() ? unknown_key(keys, name) : behind_secret(secret));
      continue;
    }
    secret = may_be_secret(name) ? name : "";
    const char* allowed = std::visit(Fill<Entry>{entry, value}, known->field);
    if (allowed && std::holds_alternative<RestUrls<Entry>>(known->field)) {
      problems.push_back(fmt::format("{}: bad value (allowed: {})", name, allowed));
    } else if (allowed) {
      problems.push_back(fmt::format("{}: bad value \"{}\" (allowed: {})", name, value, allowed));
    }
  }
  if (!error) return;
  problems.push_back(secret.empty() ? fmt::format("{}, at byte {}", error.what, error.position + 1)
                                    : behind_secret(secret));
}

// Lists that belong together have one item for each host.
void check_lists(const Database& database, std::vector<std::string>& problems) {
  const size_t hosts = std::max<size_t>(database.hosts.size(), 1);
  if (!database.ports.empty() && database.ports.size() != hosts) {
    problems.push_back(fmt::format("port: {} of them for {} hosts (allowed: one, or one each)",
                                   database.ports.size(), hosts));
  }
  const auto& weights = database.host_weights;
  if (weights.empty()) return;
  if (weights.size() != hosts) {
    problems.push_back(fmt::format("host_weights: {} of them for {} hosts (allowed: one each)",
                                   weights.size(), hosts));
  } else if (std::all_of(weights.begin(), weights.end(), [](int w) { return w == 0; })) {
    problems.emplace_back("host_weights: none is above 0");
  }
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
  check_lists(database, problems);
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
