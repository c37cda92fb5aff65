#include "auth/hba_rule_reader.h"

#include <fmt/core.h>

#include "remuda/wire/crypto.h"

namespace remuda::auth {
namespace {

constexpr size_t kMaxOptions = 64;
constexpr const char* kConnections =
    "local, host, hostssl, hostnossl, hostgssenc, hostnogssenc, include, include_if_exists, "
    "include_dir";
constexpr const char* kMethods =
    "trust, reject, md5, password, scram-sha-256, cert, peer, ldap, pam";

template <class Value>
struct RuleWord {
  std::string_view text;
  Value value;
};

// There is no GSS encryption here, so not to have it is to have any connection over TCP.
constexpr RuleWord<HbaConnection> kConnectionWords[] = {
    {"local", HbaConnection::local},         {"host", HbaConnection::host},
    {"hostssl", HbaConnection::host_ssl},    {"hostnossl", HbaConnection::host_no_ssl},
    {"hostgssenc", HbaConnection::host_gss}, {"hostnogssenc", HbaConnection::host},
};

constexpr RuleWord<HbaMethod> kMethodWords[] = {
    {"trust", HbaMethod::trust},
    {"reject", HbaMethod::reject},
    {"md5", HbaMethod::md5},
    {"password", HbaMethod::password},
    {"scram-sha-256", HbaMethod::scram_sha_256},
    {"cert", HbaMethod::cert},
    {"peer", HbaMethod::peer},
    {"ldap", HbaMethod::ldap},
    {"pam", HbaMethod::pam},
};

template <class Value, size_t kCount>
const Value* find_word(const RuleWord<Value> (&words)[kCount], std::string_view text) {
  for (const RuleWord<Value>& word : words) {
    if (word.text == text) return &word.value;
  }
  return nullptr;
}

std::string take_word(HbaLexer& lexer, std::string_view what, std::string_view allowed) {
  if (lexer.token() == HbaToken::open_quote) throw HbaFault("a double quote is not closed");
  if (lexer.token() != HbaToken::word)
    throw HbaFault(fmt::format("the {} is missing", what), allowed);
  return lexer.text();
}

bool has_own_options(HbaMethod method) {
  return method == HbaMethod::ldap || method == HbaMethod::pam;
}

}  // namespace

HbaRule HbaRuleReader::read(const std::string& line) {
  HbaLexer lexer(line);
  HbaRule rule;
  rule.file = source_.file();
  rule.line = source_.line();
  const std::string type = take_word(lexer, "type", kConnections);
  const HbaConnection* connection = find_word(kConnectionWords, type);
  if (connection == nullptr) {
    throw HbaFault(fmt::format("\"{}\" is no type of rule", hba_shown(type)), kConnections);
  }
  rule.connection = *connection;
  lexer.next();
  rule.databases = names_.databases(lexer);
  rule.users = names_.users(lexer);
  if (rule.connection != HbaConnection::local) rule.address = HbaAddress::read(lexer);
  read_method(lexer, rule);
  read_options(lexer, rule);
  warn(rule);
  return rule;
}

void HbaRuleReader::read_method(HbaLexer& lexer, HbaRule& rule) {
  const std::string word = take_word(lexer, "method", kMethods);
  const bool is_local = rule.connection == HbaConnection::local;
  const HbaMethod* method = find_word(kMethodWords, is_local && word == "ident" ? "peer" : word);
  if (method == nullptr) {
    throw HbaFault(fmt::format("\"{}\" is no method", hba_shown(word)), kMethods);
  }
  rule.method = *method;
}

void HbaRuleReader::read_options(HbaLexer& lexer, HbaRule& rule) {
  const auto next = [&] { has_own_options(rule.method) ? lexer.next_option() : lexer.next(); };
  for (next(); lexer.token() != HbaToken::end; next()) {
    std::string word = take_word(lexer, "option", "NAME=VALUE");
    const wire::WipeAtEnd wiped(word);
    read_option(word, rule);
  }
}

void HbaRuleReader::read_option(const std::string& word, HbaRule& rule) {
  const size_t equals = word.find('=');
  const std::string name = word.substr(0, equals);
  if (equals == word.npos || name.empty()) throw HbaFault("an option is malformed", "NAME=VALUE");
  std::string value = word.substr(equals + 1);
  if (name == "clientcert") {
    read_client_cert(value, rule);
  } else if (has_own_options(rule.method)) {
    if (rule.options.size() >= kMaxOptions) {
      throw HbaFault("too many options", fmt::format("{}", kMaxOptions));
    }
    rule.options.emplace_back(name, std::move(value));
  } else if (name == "map") {
    if (!idents_.has(value)) {
      throw HbaFault(fmt::format("map \"{}\" is not in the ident file", hba_shown(value)));
    }
    rule.map = std::move(value);
  } else {
    throw HbaFault(fmt::format("option \"{}\" is unknown", hba_shown(name)), "map, clientcert");
  }
}

void HbaRuleReader::read_client_cert(const std::string& value, HbaRule& rule) {
  if (rule.connection != HbaConnection::host_ssl) {
    throw HbaFault("clientcert is for hostssl rules");
  }
  if (value != "verify-full" && value != "verify-ca") {
    throw HbaFault(fmt::format("clientcert cannot be \"{}\"", hba_shown(value)),
                   "verify-ca, verify-full");
  }
  if (value == "verify-ca" && rule.method == HbaMethod::cert) {
    throw HbaFault("clientcert cannot be \"verify-ca\" with the method cert", "verify-full");
  }
  rule.client_cert = value == "verify-ca" ? ClientCert::verify_ca : ClientCert::verify_full;
}

// Rules that can be kept, since they let nobody in, but are hardly what was meant.
void HbaRuleReader::warn(const HbaRule& rule) {
  const bool is_local = rule.connection == HbaConnection::local;
  const std::string corrected = rule.address.corrected();
  if (!corrected.empty()) {
    source_.say(
        fmt::format("the address has bits beyond its mask, so the rule never matches (allowed: {})",
                    corrected));
  }
  if (rule.users.has_replication()) {
    source_.say("replication as a user is a keyword and means nobody; a name has to be quoted");
  }
  if (rule.method == HbaMethod::peer && !is_local) {
    source_.say("peer lets nobody in over TCP; it is for local rules");
  }
  if (rule.method == HbaMethod::cert &&
      (is_local || rule.connection == HbaConnection::host_no_ssl)) {
    source_.say("cert lets nobody in without TLS; it is for hostssl rules");
  }
}

bool hba_says_reject(const std::string& line) {
  for (HbaLexer lexer(line); lexer.token() == HbaToken::word || lexer.token() == HbaToken::comma;
       lexer.next()) {
    if (lexer.is_keyword("reject")) return true;
  }
  return false;
}

}  // namespace remuda::auth
