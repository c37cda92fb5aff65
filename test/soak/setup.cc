#include "soak/setup.h"

#include "support/tls_settings.h"

namespace remuda::soak {
namespace {

constexpr const char* kRules = R"(local all postgres trust
host all scram_user all scram-sha-256
host all asked all scram-sha-256
hostssl tls trust_user all trust
host tls trust_user all reject
host all trust_user all trust
)";

constexpr const char* kSettings = R"(
workers = 2
max_client_conn = 500
server_tls_sslmode = require
auth_type = hba
auth_query = SELECT usename, passwd FROM pg_shadow WHERE usename = $1
log_connections = 0
log_disconnections = 0
log_pooler_errors = 0
server_check_delay = 1
server_lifetime = 20
server_idle_timeout = 5
client_login_timeout = 25
reserve_pool_size = 2
reserve_pool_timeout = 1
stats_period = 5
)";

std::string at(const char* name, const char* host, const char* dbname, int size,
               const std::string& more) {
  return std::string(name) + " = host=" + host + " port={tls_port} dbname=" + dbname +
         " pool_size=" + std::to_string(size) + " " + more + "\n";
}

}  // namespace

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all = {
      {"bank", "trust_user", "", Mode::transaction, false},
      {"tls", "trust_user", "", Mode::transaction, true},
      {"scram", "scram_user", "scram-secret", Mode::transaction, false},
      {"asked", "asked", "asked-secret", Mode::transaction, false},
      {"extra", "trust_user", "", Mode::transaction, false},
      {"session", "trust_user", "", Mode::session, false},
      {"statement", "trust_user", "", Mode::statement, false},
  };
  return all;
}

Setup::Setup() {
  for (const Entry& entry : entries()) sizes_[entry.database] = 4;
  test::write_file(dir_.file("hba"), kRules);
}

std::string Setup::ini() const {
  const auto size = [this](const char* name) { return sizes_.at(name); };
  // Unix sockets to the server, TLS by name and by address.
  std::string databases =
      at("bank", "{tls_dir}", "p0", size("bank"), "") +
      at("tls", "localhost", "p0", size("tls"), "") +
      at("scram", "127.0.0.1", "p0", size("scram"), "") +
      at("asked", "127.0.0.1", "p0", size("asked"), "auth_user=postgres") +
      at("session", "{tls_dir}", "p1", size("session"), "pool_mode=session") +
      at("statement", "127.0.0.1", "p2", size("statement"), "pool_mode=statement");
  if (has_extra_) databases += at("extra", "{tls_dir}", "p0", size("extra"), "");
  return test::ini_text(
      kSettings + test::client_tls("allow") + "auth_hba_file = " + dir_.file("hba") + "\n",
      databases);
}

std::string Setup::users() const {
  return "\"postgres\" \"\"\n\"trust_user\" \"\"\n\"scram_user\" \"scram-secret\"\n";
}

}  // namespace remuda::soak
