#include "config/setting.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cmath>
#include <cstdlib>

#include "config/rest_url.h"
#include "remuda/base/error.h"
#include "remuda/base/text.h"

namespace remuda::config {
namespace {

constexpr std::string_view kValueBlanks = " \t";
constexpr std::string_view kSeparators = ", \t";

struct IntRange {
  int Config::*member;
  long low;
  long high;
  const char* allowed;
};
constexpr const char* kNotNegative = "a whole number, 0 or more";
constexpr const char* kAboveZero = "a whole number above 0";
// Elsewhere a number below zero means the same as zero.
constexpr IntRange kRanges[] = {
    {&Config::default_pool_size, 0, INT_MAX, kNotNegative},
    {&Config::failover_wait_clients, 0, INT_MAX, kNotNegative},
    {&Config::health_check_fall, 1, INT_MAX, kAboveZero},
    {&Config::health_check_rise, 1, INT_MAX, kAboveZero},
    {&Config::listen_port, 0, 65535, "0 to 65535"},
    {&Config::max_client_conn, 0, INT_MAX, kNotNegative},
    {&Config::min_pool_size, 0, INT_MAX, kNotNegative},
    {&Config::pkt_buf, 1, INT_MAX, kAboveZero},
    {&Config::reserve_pool_size, 0, INT_MAX, kNotNegative},
    {&Config::scram_iterations, 1, INT_MAX, kAboveZero},
    {&Config::tcp_keepcnt, 0, INT_MAX, kNotNegative},
    {&Config::tcp_keepidle, 0, INT_MAX, kNotNegative},
    {&Config::tcp_keepintvl, 0, INT_MAX, kNotNegative},
    {&Config::tcp_socket_buffer, 0, INT_MAX, kNotNegative},
    {&Config::tcp_user_timeout, 0, INT_MAX, kNotNegative},
    {&Config::unix_socket_mode, 0, 07777, "0 to 07777"},
    {&Config::workers, 0, 64, "0 (one per core) to 64"},
};

// A value of one of the kinds that cannot hold blanks, without the comment behind it.
std::string_view without_comment(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    bool starts = text[i] == '#' || text[i] == ';';
    if (starts && (i == 0 || kValueBlanks.find(text[i - 1]) != kValueBlanks.npos)) {
      text = text.substr(0, i);
    }
  }
  size_t last = text.find_last_not_of(kValueBlanks);
  return text.substr(0, last == text.npos ? 0 : last + 1);
}

// C notation (decimal, 0x, leading 0), nothing behind the number.
std::optional<long> whole_number(std::string_view text, long low, long high) {
  std::string copy(text);
  if (copy.empty() || copy.find('\0') != copy.npos) return std::nullopt;
  char* end = nullptr;
  errno = 0;
  long value = std::strtol(copy.c_str(), &end, 0);
  if (errno != 0 || *end != '\0' || value < low || value > high) return std::nullopt;
  return value;
}

std::optional<bool> boolean(std::string_view text) {
  for (const char* word : {"on", "yes", "true"}) {
    if (same_word(text, word)) return true;
  }
  for (const char* word : {"off", "no", "false"}) {
    if (same_word(text, word)) return false;
  }
  auto number = whole_number(text, INT_MIN, INT_MAX);
  if (!number) return std::nullopt;
  return *number != 0;
}

std::optional<Micros> seconds(std::string_view text) {
  std::string copy(text);
  if (copy.empty() || copy.find_first_not_of("0123456789.eE+-") != copy.npos) return std::nullopt;
  char* end = nullptr;
  double value = std::strtod(copy.c_str(), &end);
  if (*end != '\0' || value < 0 || value > kLongestSeconds) return std::nullopt;
  return std::llround(value * static_cast<double>(kSecond));
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> list;
  while (true) {
    size_t start = text.find_first_not_of(kSeparators);
    if (start == text.npos) return list;
    text.remove_prefix(start);
    size_t end = std::min(text.find_first_of(kSeparators), text.size());
    list.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

// One overload per type of member: reads the text, or says what is allowed and changes nothing.
struct Parse {
  Config& config;
  std::string_view text;
  std::string& allowed;

  template <class T, class Value>
  bool store(T Config::*member, const Value& value, const char* expected) const {
    if (value) {
      config.*member = static_cast<T>(*value);
    } else {
      allowed = expected;
    }
    return value.has_value();
  }

  bool operator()(std::string Config::*member) const {
    config.*member = text;
    return true;
  }
  bool operator()(std::optional<std::string> Config::*member) const {
    if (member == &Config::auth_dbname && is_console(text)) {
      allowed = "any database but the console: cannot use the reserved \"" + std::string(text) +
                "\" database as an auth_dbname";
      return false;
    }
    if (member == &Config::auth_ldap_options && text.size() > 1023) {
      allowed = "at most 1023 bytes";
      return false;
    }
    (config.*member).reset();
    if (!text.empty()) config.*member = std::string(text);
    return true;
  }
  bool operator()(int Config::*member) const {
    IntRange range{member, INT_MIN, INT_MAX, "a whole number"};
    for (const IntRange& known : kRanges) {
      if (known.member == member) range = known;
    }
    return store(member, whole_number(without_comment(text), range.low, range.high), range.allowed);
  }
  bool operator()(std::optional<int> Config::*member) const {
    if (text.empty()) {
      (config.*member).reset();
      return true;
    }
    auto value = whole_number(without_comment(text), INT_MIN, INT_MAX);
    if (!value) {
      allowed = "a whole number";
      return false;
    }
    config.*member = static_cast<int>(*value);
    return true;
  }
  bool operator()(bool Config::*member) const {
    return store(member, boolean(without_comment(text)), "0, 1, on, off, yes, no, true, false");
  }
  bool operator()(uint32_t Config::*member) const {
    return store(member, whole_number(without_comment(text), 0, UINT32_MAX),
                 "a whole number from 0 to 4294967295");
  }
  bool operator()(Seconds tag) const {
    return store(tag.member, seconds(without_comment(text)), "seconds, 0 or more");
  }
  bool operator()(std::vector<std::string> Config::*member) const {
    std::vector<std::string> list = words(text);
    if (member == &Config::patroni_urls && !std::all_of(list.begin(), list.end(), is_rest_url)) {
      allowed = kRestUrls;
      return false;
    }
    config.*member = std::move(list);
    return true;
  }
  bool operator()(PoolMode Config::*member) const {
    return store(member, pool_mode_from(without_comment(text)), "session, transaction, statement");
  }
  bool operator()(AuthType Config::*member) const {
    return store(member, auth_type_from(without_comment(text)),
                 "any, trust, plain, md5, cert, hba, scram-sha-256, pam, ldap");
  }
  bool operator()(TlsMode Config::*member) const {
    return store(member, tls_mode_from(without_comment(text)),
                 "disable, allow, prefer, require, verify-ca, verify-full");
  }
  bool operator()(TlsNegotiation Config::*member) const {
    return store(member, tls_negotiation_from(without_comment(text)), "postgres, direct");
  }
  bool operator()(OnDemotion Config::*member) const {
    return store(member, on_demotion_from(without_comment(text)), "drain, kill");
  }
  bool operator()(TrackSettings Config::*member) const {
    return store(member, track_settings_from(without_comment(text)), "on, reported, off");
  }
};

// One overload per type of member: the value as SHOW CONFIG prints it.
struct Show {
  const Config& config;

  using Text = std::optional<std::string>;

  Text operator()(std::string Config::*member) const { return config.*member; }
  Text operator()(std::optional<std::string> Config::*member) const { return config.*member; }
  // An unset number has a default of NULL, but a value of 0.
  Text operator()(std::optional<int> Config::*member) const {
    return fmt::format("{}", (config.*member).value_or(0));
  }
  Text operator()(int Config::*member) const { return fmt::format("{}", config.*member); }
  Text operator()(uint32_t Config::*member) const { return fmt::format("{}", config.*member); }
  Text operator()(bool Config::*member) const { return config.*member ? "1" : "0"; }
  Text operator()(Seconds tag) const {
    double value = static_cast<double>(config.*tag.member) / static_cast<double>(kSecond);
    return fmt::format("{:g}", value);
  }
  Text operator()(std::vector<std::string> Config::*member) const {
    return fmt::format("{}", fmt::join(config.*member, ","));
  }
  Text operator()(PoolMode Config::*member) const { return to_text(config.*member); }
  Text operator()(AuthType Config::*member) const { return to_text(config.*member); }
  Text operator()(TlsMode Config::*member) const { return to_text(config.*member); }
  Text operator()(TlsNegotiation Config::*member) const { return to_text(config.*member); }
  Text operator()(OnDemotion Config::*member) const { return to_text(config.*member); }
  Text operator()(TrackSettings Config::*member) const { return to_text(config.*member); }
};

}  // namespace

bool parse_value(Config& config, const Setting& setting, std::string_view text,
                 std::string& allowed) {
  return std::visit(Parse{config, text, allowed}, setting.member);
}

void set_default(Config& config, const Setting& setting) {
  std::string allowed;
  const char* text = setting.default_text ? setting.default_text : "";
  REMUDA_CHECK(parse_value(config, setting, text, allowed));
}

std::optional<std::string> show_value(const Config& config, const Setting& setting) {
  return std::visit(Show{config}, setting.member);
}

bool is_secret(const Setting& setting) {
  return setting.member == Member(&Config::patroni_password);
}

std::optional<std::string> default_value(const Setting& setting) {
  if (!setting.default_text) return std::nullopt;
  return setting.default_text;
}

}  // namespace remuda::config
