#include "auth/hba.h"

#include <fmt/core.h>

#include "auth/hba_rule_reader.h"
#include "remuda/wire/crypto.h"

namespace remuda::auth {
namespace {

bool is_connection(const HbaRule& rule, const HbaClient& client) {
  switch (rule.connection) {
    case HbaConnection::local:
      return client.is_unix;
    case HbaConnection::host:
      return !client.is_unix;
    case HbaConnection::host_ssl:
      return !client.is_unix && client.is_tls;
    case HbaConnection::host_no_ssl:
      return !client.is_unix && !client.is_tls;
    case HbaConnection::host_gss:
      return false;
  }
  return false;
}

HbaNeeds needs_of(HbaMatch match) {
  switch (match) {
    case HbaMatch::groups:
      return HbaNeeds::groups;
    case HbaMatch::host_name:
      return HbaNeeds::host_name;
    case HbaMatch::local_networks:
      return HbaNeeds::local_networks;
    case HbaMatch::yes:
    case HbaMatch::no:
      return HbaNeeds::nothing;
  }
  return HbaNeeds::nothing;
}

// `no` as soon as one field says so; else `yes`, or the first thing that is not known.
HbaMatch match(const HbaRule& rule, const HbaClient& client, const HbaFacts& facts) {
  if (!is_connection(rule, client)) return HbaMatch::no;
  const HbaMatch fields[] = {
      client.is_unix ? HbaMatch::yes
                     : rule.address.match(client.address, facts.host_name, facts.local_networks),
      rule.databases.match_database(client.database, client.user, client.is_physical_replication,
                                    facts.groups),
      rule.users.match_user(client.user, client.database, facts.groups)};
  HbaMatch result = HbaMatch::yes;
  for (const HbaMatch field : fields) {
    if (field == HbaMatch::no) return HbaMatch::no;
    if (result == HbaMatch::yes) result = field;
  }
  return result;
}

}  // namespace

HbaRule::~HbaRule() {
  for (auto& [name, value] : options) wire::wipe(value);
}

HbaAnswer HbaRules::find(const HbaClient& client, const HbaFacts& facts) const {
  for (const HbaRule& rule : rules_) {
    const HbaMatch found = match(rule, client, facts);
    if (found == HbaMatch::no) continue;
    if (found == HbaMatch::yes) return {&rule, HbaNeeds::nothing};
    return {nullptr, needs_of(found)};
  }
  return {};
}

HbaRules HbaRules::read(const std::string& path, const HbaFiles& files, const IdentMaps& idents,
                        std::vector<std::string>& messages) {
  HbaRules rules;
  HbaSource source(path, files, messages);
  HbaRuleReader reader(source, idents);
  std::string line;
  while (source.next(line)) {
    if (rules.rules_.size() >= kMaxHbaRules) {
      source.say(fmt::format("too many rules, the rest is left out (allowed: {})", kMaxHbaRules));
      source.stop();
      break;
    }
    try {
      rules.rules_.push_back(reader.read(line));
    } catch (const HbaFault& fault) {
      source.say(fmt::format(
          "{}; the line is skipped{}", fault.what(),
          hba_says_reject(line) ? ", so whom it was to reject is up to the lines below it" : ""));
    }
  }
  if (!source.is_readable()) messages.push_back("there are no HBA rules: nobody can log in");
  return rules;
}

std::shared_ptr<const HbaRules> load_hba(const std::string& path, const IdentMaps& idents,
                                         std::vector<std::string>& messages) {
  return std::make_shared<const HbaRules>(
      HbaRules::read(path, hba_files_on_disk(), idents, messages));
}

}  // namespace remuda::auth
