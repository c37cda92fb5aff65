// What, beside the auth file, says who may log in and how: the HBA file, the ident file, the
// options of the directory. Immutable once read, shared by all threads.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "auth/hba.h"
#include "auth/ident_map.h"
#include "auth/ldap_options.h"
#include "config/config.h"

namespace remuda::auth {

struct Access {
  std::shared_ptr<const HbaRules> hba = std::make_shared<const HbaRules>();
  std::shared_ptr<const IdentMaps> idents = std::make_shared<const IdentMaps>();
  std::optional<LdapOptions> ldap;  // of auth_ldap_options
};

// Reads the files. What is wrong in them is added to `messages`, and is not used. Throws PgError
// when auth_type is ldap and its options cannot be.
std::shared_ptr<const Access> load_access(const config::Config& config,
                                          std::vector<std::string>& messages);

// Whether the settings behind it are spelled the same.
bool same_access(const config::Config& a, const config::Config& b);

}  // namespace remuda::auth
