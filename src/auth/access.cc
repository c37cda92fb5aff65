#include "auth/access.h"

#include <tuple>

#include "config/load.h"
#include "remuda/base/error.h"

namespace remuda::auth {
namespace {

std::optional<LdapOptions> read_ldap_options(const config::Config& config,
                                             std::vector<std::string>& messages) {
  if (!config.auth_ldap_options) return std::nullopt;
  std::vector<std::string> faults;
  auto options = parse_ldap_options(*config.auth_ldap_options, faults);
  std::string all;
  for (const std::string& fault : faults) {
    messages.push_back("auth_ldap_options: " + fault);
    all += (all.empty() ? "" : "; ") + fault;
  }
  if (!options && config.auth_type == config::AuthType::ldap) {
    throw PgError("auth_ldap_options: " + all);
  }
  return options;
}

void check_ldap_rules(const HbaRules& rules, std::vector<std::string>& messages) {
  for (const HbaRule& rule : rules.rules()) {
    if (rule.method != HbaMethod::ldap || rule.options.empty()) continue;
    std::vector<std::string> faults;
    parse_ldap_options(rule.options, faults);
    for (const std::string& fault : faults) {
      messages.push_back(rule.file + ":" + std::to_string(rule.line) + ": " + fault);
    }
  }
}

auto settings(const config::Config& config) {
  return std::tie(config.auth_type, config.auth_hba_file, config.auth_ident_file,
                  config.auth_ldap_options);
}

}  // namespace

std::shared_ptr<const Access> load_access(const config::Config& config,
                                          std::vector<std::string>& messages) {
  auto access = std::make_shared<Access>();
  const std::string idents = config::find_beside(config, config.auth_ident_file.value_or(""));
  access->idents = load_ident(idents, messages);
  if (config.auth_type == config::AuthType::hba || !config.auth_hba_file.empty()) {
    const std::string rules = config::find_beside(config, config.auth_hba_file);
    access->hba = load_hba(rules, *access->idents, messages);
    check_ldap_rules(*access->hba, messages);
  }
  access->ldap = read_ldap_options(config, messages);
  return access;
}

bool same_access(const config::Config& a, const config::Config& b) {
  return settings(a) == settings(b);
}

}  // namespace remuda::auth
