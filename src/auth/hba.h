// The rules of auth_hba_file: by which method a client has to prove who it is. Immutable once read,
// shared by all threads. What costs a look-up is asked for only when a rule that would otherwise
// match depends on it.
// PostgreSQL manual, The pg_hba.conf File; PgBouncer's readings are kept where the two differ.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "auth/hba_address.h"
#include "auth/hba_names.h"
#include "auth/hba_source.h"
#include "auth/ident_map.h"
#include "io/address.h"

namespace remuda::auth {

enum class HbaMethod { trust, reject, md5, password, scram_sha_256, cert, peer, ldap, pam };
enum class HbaConnection { local, host, host_ssl, host_no_ssl, host_gss };
// verify_full: the certificate's name must also be the user's, or map to it.
enum class ClientCert { none, verify_ca, verify_full };

// A rule wipes its options, which may hold a password, when it dies.
struct HbaRule {
  HbaRule() = default;
  HbaRule(HbaRule&&) = default;
  HbaRule& operator=(HbaRule&&) = default;
  ~HbaRule();

  std::string file;
  int line = 0;
  HbaMethod method = HbaMethod::reject;
  std::string map;  // for IdentMaps::allows; "": none
  ClientCert client_cert = ClientCert::none;
  std::vector<std::pair<std::string, std::string>> options;  // of ldap and pam, not interpreted

  HbaConnection connection = HbaConnection::host;
  HbaNames databases;
  HbaNames users;
  HbaAddress address;
};

struct HbaClient {
  bool is_unix = false;
  bool is_tls = false;
  io::Address address;
  std::string user;
  std::string database;
  bool is_physical_replication = false;  // logical replication is as any other client
};

// What has been looked up so far.
struct HbaFacts {
  HbaHostName host_name;
  HbaGroups groups;
  HbaLocalNetworks local_networks;
};

enum class HbaNeeds { nothing, host_name, groups, local_networks };

// Without rule and needs: nobody lets the client in. With needs: look that up and ask again; where
// the look-up itself fails (groups), refuse, since the rule might be one that refuses.
struct HbaAnswer {
  const HbaRule* rule = nullptr;  // lives as long as the rules
  HbaNeeds needs = HbaNeeds::nothing;
};

class HbaRules {
 public:
  // The first rule that matches.
  HbaAnswer find(const HbaClient& client, const HbaFacts& facts) const;
  const std::vector<HbaRule>& rules() const noexcept { return rules_; }

  // Reads the file and what it includes. Each bad line is skipped, with a message
  // "FILE:LINE: what is wrong (allowed: ...)". After an include that fails nothing more is read.
  // If the file cannot be read there are no rules, and nobody is let in.
  static HbaRules read(const std::string& path, const HbaFiles& files, const IdentMaps& idents,
                       std::vector<std::string>& messages);

 private:
  std::vector<HbaRule> rules_;
};

// Never null.
std::shared_ptr<const HbaRules> load_hba(const std::string& path, const IdentMaps& idents,
                                         std::vector<std::string>& messages);

}  // namespace remuda::auth
