#include "auth/ldap_options.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "auth/ldap_url.h"
#include "config/nearest.h"
#include "remuda/base/text.h"

namespace remuda::auth {
namespace {

constexpr size_t kMaxText = 8192;
constexpr size_t kMaxWords = 64;
constexpr size_t kMaxServers = 16;
constexpr size_t kMaxShown = 60;
constexpr int kLdapPort = 389;
constexpr int kLdapsPort = 636;
constexpr std::string_view kBlanks = " \t\r\n\f\v";
constexpr std::string_view kPlaceholder = "$username";
constexpr const char* kServerBytes = "host names and addresses, without port";

bool consists_of(std::string_view text, std::string_view others) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_letter_or_digit(c) || others.find(c) != others.npos;
  });
}

std::string shown(std::string_view text) {
  return std::string(text.substr(0, kMaxShown)) + (text.size() > kMaxShown ? "..." : "");
}

// ---- Text into words

// Takes text up to a blank or comma outside quotes off the front; false if a quote does not end.
bool take_token(std::string_view& text, std::string& token) {
  bool is_quoted = false;
  while (!text.empty()) {
    const char c = text[0];
    if (!is_quoted && (c == ',' || kBlanks.find(c) != kBlanks.npos)) break;
    text.remove_prefix(1);
    if (c != '"') {
      token += c;
    } else if (is_quoted && !text.empty() && text[0] == '"') {
      token += c;
      text.remove_prefix(1);
    } else {
      is_quoted = !is_quoted;
    }
  }
  return !is_quoted;
}

// What is not understood is told by its place: it may be a part of a password.
std::vector<LdapWord> split(std::string_view text, std::vector<std::string>& faults) {
  std::vector<LdapWord> words;
  while (true) {
    const size_t start = text.find_first_not_of(" \t\r\n\f\v,");
    if (start == text.npos) return words;
    text.remove_prefix(start);
    std::string token;
    const size_t number = words.size() + 1;
    if (!take_token(text, token)) {
      faults.push_back(fmt::format("LDAP word {}: a double quote is not closed", number));
      return words;
    }
    const size_t equals = token.find('=');
    if (equals == token.npos || equals == 0) {
      faults.push_back(
          fmt::format("LDAP word {} is not name=value (quote values that contain blanks)", number));
    }
    words.emplace_back(token.substr(0, equals),
                       equals == token.npos ? "" : token.substr(equals + 1));
    wire::wipe(token);
  }
}

// ---- Words into options

struct Parser {
  LdapOptions options;
  std::set<std::string_view> given;  // the words, and those an ldapurl stands for
  std::vector<std::string>& faults;

  void fault(std::string text) { faults.push_back(std::move(text)); }
  bool has(std::string_view word) const { return given.count(word) != 0; }
};

using Take = void (*)(Parser& parser, const std::string& value);

void take_server(Parser& parser, const std::string& value) {
  std::vector<std::string> servers;
  std::string_view rest = value;
  while (true) {
    rest.remove_prefix(std::min(rest.find_first_not_of(kBlanks), rest.size()));
    if (rest.empty()) break;
    const std::string_view server = rest.substr(0, rest.find_first_of(kBlanks));
    rest.remove_prefix(server.size());
    // A colon is for IPv6 addresses only: what looks like host:port must not be misread.
    const bool is_address = std::count(server.begin(), server.end(), ':') > 1;
    if (!consists_of(server, is_address ? ".:" : "._-")) {
      parser.fault(
          fmt::format("ldapserver \"{}\" is not valid (allowed: {})", shown(server), kServerBytes));
    }
    servers.emplace_back(server);
  }
  if (servers.empty() || servers.size() > kMaxServers) {
    parser.fault(fmt::format("ldapserver has {} servers (allowed: 1 to {}, separated by blanks)",
                             servers.size(), kMaxServers));
  }
  parser.options.servers = std::move(servers);
}

void take_port(Parser& parser, const std::string& value) {
  const int port = parse_number<int>(value).value_or(0);
  if (port < 1 || port > 65535) {
    parser.fault(fmt::format("ldapport \"{}\" is not a port (allowed: 1 to 65535)", shown(value)));
  }
  parser.options.port = port;
}

void take_scheme(Parser& parser, const std::string& value) {
  if (value != "ldap" && value != "ldaps") {
    parser.fault(
        fmt::format("ldapscheme \"{}\" is not valid (allowed: ldap, ldaps)", shown(value)));
  }
  parser.options.is_ldaps = value == "ldaps";
}

void take_tls(Parser& parser, const std::string& value) {
  if (value != "0" && value != "1") {
    parser.fault(fmt::format("ldaptls \"{}\" is not valid (allowed: 0, 1)", shown(value)));
  }
  parser.options.use_start_tls = value == "1";
}

void take_prefix(Parser& parser, const std::string& value) {
  parser.options.prefix = value;
}
void take_suffix(Parser& parser, const std::string& value) {
  parser.options.suffix = value;
}
void take_base_dn(Parser& parser, const std::string& value) {
  parser.options.base_dn = value;
}
void take_bind_dn(Parser& parser, const std::string& value) {
  parser.options.bind_dn = value;
}
void take_bind_password(Parser& parser, const std::string& value) {
  parser.options.bind_password = value;
}
void take_bind_password_file(Parser& parser, const std::string& value) {
  parser.options.bind_password_file = value;
}

void take_attribute(Parser& parser, const std::string& value) {
  if (!consists_of(value, "-.;_")) {
    parser.fault(fmt::format(
        "ldapsearchattribute \"{}\" is not valid (allowed: the name of an attribute, such as uid)",
        shown(value)));
  }
  parser.options.search_attribute = value;
}

// A filter that does not depend on the name would let anybody in with one password.
void take_filter(Parser& parser, const std::string& value) {
  if (value.find(kPlaceholder) == value.npos) {
    parser.fault("ldapsearchfilter does not contain $username, which stands for the user's name");
  }
  parser.options.search_filter = value;
}

void take_url(Parser& parser, const std::string& value);

struct OptionWord {
  const char* name;
  Take take;
};
constexpr OptionWord kOptionWords[] = {
    {"ldapserver", take_server},
    {"ldapport", take_port},
    {"ldapscheme", take_scheme},
    {"ldaptls", take_tls},
    {"ldapprefix", take_prefix},
    {"ldapsuffix", take_suffix},
    {"ldapbasedn", take_base_dn},
    {"ldapbinddn", take_bind_dn},
    {"ldapbindpasswd", take_bind_password},
    {"ldapbindpasswdfile", take_bind_password_file},
    {"ldapsearchattribute", take_attribute},
    {"ldapsearchfilter", take_filter},
    {"ldapurl", take_url},
};
constexpr std::string_view kSearchWords[] = {"ldapbasedn",          "ldapbinddn",
                                             "ldapbindpasswd",      "ldapbindpasswdfile",
                                             "ldapsearchattribute", "ldapsearchfilter"};

void unknown_word(Parser& parser, size_t number, const std::string& name) {
  std::vector<std::string_view> names;
  for (const OptionWord& word : kOptionWords) names.push_back(word.name);
  std::string allowed;
  for (const auto& known : names) allowed += (allowed.empty() ? "" : ", ") + std::string(known);
  // Anything else may be a part of a password that was not quoted.
  const bool is_ours = name.rfind("ldap", 0) == 0 && consists_of(name, "_");
  const std::string meant = is_ours ? std::string(config::nearest(name, names)) : "";
  parser.fault(fmt::format("LDAP word {} is unknown{} (allowed: {})",
                           is_ours ? "\"" + shown(name) + "\"" : std::to_string(number),
                           meant.empty() ? "" : ", did you mean " + meant + "?", allowed));
}

void take_word(Parser& parser, size_t number, const std::string& name, const std::string& value) {
  const auto* known = std::find_if(std::begin(kOptionWords), std::end(kOptionWords),
                                   [&](const OptionWord& word) { return word.name == name; });
  if (known == std::end(kOptionWords)) return unknown_word(parser, number, name);
  parser.given.insert(known->name);
  known->take(parser, value);
}

// ---- ldapurl stands for several words

void give(Parser& parser, const char* word, Take take, const std::string& value) {
  parser.given.insert(word);
  take(parser, value);
}

void take_url_scope(Parser& parser, const std::string& scope) {
  // RFC 4516: the entry itself, unless the URL says otherwise.
  parser.options.scope = LdapScope::base;
  if (scope == "one") parser.options.scope = LdapScope::one;
  if (scope == "sub") parser.options.scope = LdapScope::sub;
  if (!scope.empty() && scope != "base" && scope != "one" && scope != "sub") {
    parser.fault(
        fmt::format("ldapurl: scope \"{}\" is not valid (allowed: base, one, sub)", shown(scope)));
  }
}

void take_url(Parser& parser, const std::string& value) {
  LdapUrl url;
  std::string fault;
  if (!parse_ldap_url(value, url, fault)) return parser.fault(fault);
  give(parser, "ldapscheme", take_scheme, url.scheme);
  if (!url.host.empty()) give(parser, "ldapserver", take_server, url.host);
  if (!url.port.empty()) give(parser, "ldapport", take_port, url.port);
  if (!url.base_dn) return;
  give(parser, "ldapbasedn", take_base_dn, *url.base_dn);
  if (!url.attribute.empty()) {
    give(parser, "ldapsearchattribute", take_attribute, url.attribute);
  }
  take_url_scope(parser, url.scope);
  if (!url.filter.empty()) give(parser, "ldapsearchfilter", take_filter, url.filter);
}

// ---- What fits together

void check_bind(Parser& parser) {
  for (const std::string_view word : kSearchWords) {
    if (!parser.has(word)) continue;
    parser.fault(
        fmt::format("{} is for searching and ldapprefix, ldapsuffix are for binding at "
                    "once: only one of both is possible",
                    word));
  }
  if (parser.options.servers.empty()) parser.fault("ldapserver is needed to bind");
}

void check_search(Parser& parser) {
  const LdapOptions& options = parser.options;
  if (parser.has("ldapsearchattribute") && parser.has("ldapsearchfilter")) {
    parser.fault("ldapsearchattribute and ldapsearchfilter: only one of both is possible");
  }
  if (options.servers.empty() && options.base_dn->empty()) {
    parser.fault("ldapserver is needed, or an ldapbasedn that names a domain");
  }
  if (!options.bind_password.empty() && !options.bind_password_file.empty()) {
    parser.fault("ldapbindpasswd and ldapbindpasswdfile: only one of both is possible");
  }
  // A name without password would search as nobody, unnoticed.
  const bool has_password = !options.bind_password.empty() || !options.bind_password_file.empty();
  if (has_password && options.bind_dn.empty()) {
    parser.fault("ldapbindpasswd and ldapbindpasswdfile need ldapbinddn");
  }
  if (!has_password && !options.bind_dn.empty()) {
    parser.fault("ldapbinddn needs ldapbindpasswd or ldapbindpasswdfile");
  }
}

void check_together(Parser& parser) {
  if (parser.options.is_ldaps && parser.options.use_start_tls) {
    parser.fault("ldaptls=1 is for ldap: with ldaps there is TLS already");
  }
  if (parser.has("ldapprefix") || parser.has("ldapsuffix")) return check_bind(parser);
  if (parser.options.is_search()) return check_search(parser);
  parser.fault("ldapbasedn, or one of ldapprefix and ldapsuffix, is needed");
}

}  // namespace

std::optional<LdapOptions> parse_ldap_options(const std::vector<LdapWord>& words,
                                              std::vector<std::string>& faults) {
  const size_t faults_before = faults.size();
  Parser parser{{}, {}, faults};
  if (words.size() > kMaxWords) {
    faults.push_back(fmt::format("there are {} LDAP words (allowed: {})", words.size(), kMaxWords));
    return std::nullopt;
  }
  size_t number = 0;
  for (const auto& [name, value] : words) {
    ++number;
    if (name.size() + value.size() > kMaxText || value.find('\0') != value.npos) {
      parser.fault(
          fmt::format("LDAP word {} is longer than {} bytes, or has a byte 0", number, kMaxText));
    } else {
      take_word(parser, number, name, value);
    }
  }
  if (!parser.has("ldapport"))
    parser.options.port = parser.options.is_ldaps ? kLdapsPort : kLdapPort;
  if (faults.size() == faults_before) check_together(parser);
  if (faults.size() != faults_before) return std::nullopt;
  return parser.options;
}

std::optional<LdapOptions> parse_ldap_options(std::string_view text,
                                              std::vector<std::string>& faults) {
  if (text.size() > kMaxText) {
    faults.push_back(fmt::format("LDAP options are longer than {} bytes", kMaxText));
    return std::nullopt;
  }
  const size_t faults_before = faults.size();
  std::vector<LdapWord> words = split(text, faults);
  std::optional<LdapOptions> options;
  if (faults.size() == faults_before) options = parse_ldap_options(words, faults);
  for (auto& [name, value] : words) wire::wipe(value);
  return options;
}

std::string ldap_filter(const LdapOptions& options, std::string_view user) {
  if (options.search_filter.empty()) return fmt::format("({}={})", options.search_attribute, user);
  std::string filter;
  std::string_view rest = options.search_filter;
  while (true) {
    const size_t at = rest.find(kPlaceholder);
    filter += rest.substr(0, at);
    if (at == rest.npos) return filter;
    filter += user;
    rest.remove_prefix(at + kPlaceholder.size());
  }
}

// Directories do not see blanks at the ends, PostgreSQL does: such names are refused everywhere.
bool is_ldap_filter_name(std::string_view user) noexcept {
  if (user.empty() || user.front() == ' ' || user.back() == ' ') return false;
  return user.find_first_of(std::string_view("*()\\/\0", 6)) == user.npos;
}

bool is_ldap_dn_name(std::string_view user) noexcept {
  if (user.empty() || user.front() == ' ' || user.back() == ' ' || user.front() == '#')
    return false;
  return user.find_first_of(std::string_view(",+\"\\<>;=/\0", 10)) == user.npos;
}

}  // namespace remuda::auth
