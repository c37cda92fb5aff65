#include "support/postgres.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "support/certificates.h"

namespace remuda::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kHba = R"(local all all trust
host replication postgres 127.0.0.1/32 trust
host all md5_user all md5
host all scram_user all scram-sha-256
host all plain_user all password
host all all all trust
)";

constexpr const char* kTlsHba = R"(local all postgres trust
local all trust_user trust
local all md5_user md5
local all scram_user scram-sha-256
local all plain_user password
local all peer_user peer map=children
local all tls_user peer map=children
local all all reject
hostssl all tls_user all scram-sha-256
hostssl all cert_user all cert
hostnossl all clear_user all trust
host all tls_user all reject
host all cert_user all reject
host all clear_user all reject
host all md5_user all md5
host all scram_user all scram-sha-256
host all plain_user all password
host all all all trust
)";

// Durability is not what these tests are about.
constexpr const char* kSettings = R"(
listen_addresses = '127.0.0.1, ::1'
max_connections = 200
shared_buffers = 32MB
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
jit = off
wal_keep_size = 64MB
wal_retrieve_retry_interval = 100ms
log_line_prefix = '%m [%p] %u@%d '
timezone = 'UTC'
)";

constexpr const char* kRoles = R"(
CREATE ROLE trust_user LOGIN;
SET password_encryption = 'md5';
CREATE ROLE md5_user LOGIN PASSWORD 'md5-secret';
SET password_encryption = 'scram-sha-256';
CREATE ROLE scram_user LOGIN PASSWORD 'scram-secret';
CREATE ROLE plain_user LOGIN PASSWORD 'plain-secret';
CREATE ROLE tls_user LOGIN PASSWORD 'tls-secret';
CREATE ROLE clear_user LOGIN;
CREATE ROLE cert_user LOGIN;
CREATE ROLE peer_user LOGIN;
)";

std::string tls_settings() {
  const Certificates& all = certificates();
  return "ssl = on\nssl_cert_file = '" + all.server.cert + "'\nssl_key_file = '" + all.server.key +
         "'\nssl_ca_file = '" + all.authority.file() + "'\n";
}

// Where the server's programs are: the newest packaged version, else the search path.
fs::path find_directory() {
  std::vector<std::pair<int, fs::path>> found;
  std::error_code ignored;
  for (const auto& version : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    if (fs::exists(version.path() / "bin/initdb"))
      found.emplace_back(std::atoi(version.path().filename().c_str()), version.path() / "bin");
  }
  if (!found.empty()) return std::max_element(found.begin(), found.end())->second;
  std::string path = std::getenv("PATH") ? std::getenv("PATH") : "";
  for (size_t start = 0; start < path.size();) {
    const auto end = std::min(path.find(':', start), path.size());
    const fs::path directory = path.substr(start, end - start);
    if (fs::exists(directory / "initdb")) return directory;
    start = end + 1;
  }
  throw std::runtime_error("PostgreSQL's initdb was not found; test/run installs it");
}

// A server and its children, which are in sessions of their own.
std::vector<pid_t> processes_of(pid_t postmaster) {
  const std::string pid = std::to_string(postmaster);
  std::vector<pid_t> all = {postmaster};
  std::istringstream children(read_file("/proc/" + pid + "/task/" + pid + "/children"));
  for (pid_t child = 0; children >> child;) all.push_back(child);
  return all;
}

}  // namespace

PostgresServer::PostgresServer(Tls tls) {
  create_data(tls);
  start();
  create_roles_and_databases();
}

PostgresServer::PostgresServer(const PostgresServer& primary) {
  run({.argv = {program("pg_basebackup"), "--pgdata=" + data_, "--host=127.0.0.1",
                "--port=" + std::to_string(primary.port_), "--username=postgres", "--no-sync",
                "--checkpoint=fast", "--wal-method=stream"},
       .output = dir_.file("pg_basebackup.log"),
       .directory = dir_.path()});
  follow(primary);
  start();
}

PostgresServer::~PostgresServer() {
  if (process_) stop(Stop::immediate);
}

std::string PostgresServer::program(const std::string& name) {
  static const fs::path directory = find_directory();
  return directory / name;
}

void PostgresServer::create_data(Tls tls) {
  run({.argv = {program("initdb"), "--no-sync", "--no-instructions", "--username=postgres",
                "--auth=trust", "--encoding=UTF8", "--locale=C", "--pgdata=" + data_},
       .output = dir_.file("initdb.log"),
       .directory = dir_.path()});
  const bool has_tls = tls == Tls::on;
  write_file(data_ + "/pg_hba.conf", has_tls ? kTlsHba : kHba);
  write_file(data_ + "/pg_ident.conf", "children " + child_account().name + " peer_user\n");
  write_file(data_ + "/postgresql.conf", kSettings + (has_tls ? tls_settings() : ""));
}

void PostgresServer::create_roles_and_databases() const {
  exec(kRoles, "postgres");
  for (const char* name : {"p0", "p1", "p2", "p3"}) {
    exec(std::string("CREATE DATABASE ") + name, "postgres");
    // Since version 15 nobody may create tables there by default.
    exec("GRANT ALL ON SCHEMA public TO PUBLIC", name);
  }
}

void PostgresServer::start() {
  process_.emplace(Command{
      .argv = {program("postgres"), "-D", data_, "-p", std::to_string(port_), "-k", dir_.path()},
      .output = log_file_,
      .directory = dir_.path(),
      .death_signal = SIGQUIT});
  const bool ready = eventually([this] {
    if (!process_->running()) throw std::runtime_error("PostgreSQL did not start:\n" + log());
    return pq_error([this] { exec("SELECT 1", "postgres"); }).message == "no error";
  });
  if (!ready) throw std::runtime_error("PostgreSQL is not ready in time:\n" + log());
}

void PostgresServer::stop(Stop how) {
  if (!process_) return;
  constexpr int kSignals[] = {SIGTERM, SIGINT, SIGQUIT};
  process_->signal(kSignals[static_cast<size_t>(how)]);
  process_->wait_exit();
  process_.reset();
}

void PostgresServer::kill() {
  kill(process_->pid());
  process_->wait_exit();
  process_.reset();
}

void PostgresServer::kill(pid_t postmaster) {
  for (const pid_t pid : processes_of(postmaster)) ::kill(pid, SIGKILL);
}

void PostgresServer::freeze() {
  // First the one that makes new ones.
  process_->signal(SIGSTOP);
  for (const pid_t pid : processes_of(process_->pid())) ::kill(pid, SIGSTOP);
}

void PostgresServer::thaw() {
  for (const pid_t pid : processes_of(process_->pid())) ::kill(pid, SIGCONT);
}

void PostgresServer::promote() {
  exec("SELECT pg_promote()", "postgres");
}

void PostgresServer::follow(const PostgresServer& primary) {
  const std::string setting =
      "'host=127.0.0.1 port=" + std::to_string(primary.port_) + " user=postgres'";
  write_file(data_ + "/standby.signal", "");
  write_file(data_ + "/postgresql.auto.conf", "primary_conninfo = " + setting + "\n");
  if (process_) exec("SELECT pg_reload_conf()", "postgres");
}

Address PostgresServer::address(const std::string& dbname, const std::string& user) const {
  return {.port = port_, .dbname = dbname, .user = user};
}

Rows PostgresServer::exec(const std::string& sql, const std::string& dbname) const {
  return Pq(address(dbname)).exec(sql);
}

std::string PostgresServer::value(const std::string& sql, const std::string& dbname) const {
  return Pq(address(dbname)).value(sql);
}

int PostgresServer::backends(const std::string& dbname) const {
  return std::stoi(
      value("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND "
            "datname = '" +
                dbname + "'",
            "postgres"));
}

bool PostgresServer::wait_backends(const std::string& dbname, int count) const {
  return eventually([&] { return backends(dbname) == count; });
}

PostgresServer& postgres() {
  static PostgresServer server;
  return server;
}

PostgresServer& postgres_with_tls() {
  static PostgresServer server(PostgresServer::Tls::on);
  return server;
}

}  // namespace remuda::test
