#include "support/remuda_process.h"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <stdexcept>

#include "support/catch.h"
#include "support/failures.h"
#include "support/postgres.h"

namespace remuda::test {
namespace {

constexpr const char* kBase = R"(
[remuda]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir = {dir}
auth_type = trust
auth_file = {dir}/userlist.txt
admin_users = postgres
pool_mode = transaction
server_tls_sslmode = disable
server_login_retry = 1
workers = 2
)";

std::string default_databases() {
  std::string text;
  for (const char* name : {"p0", "p1", "p2", "p3"})
    text += std::string(name) + " = host=127.0.0.1 port={pg_port}\n";
  return text;
}

void replace_all(std::string& text, const std::string& what, const std::string& with) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
    text.replace(at, what.size(), with);
}

void fill_in(std::string& text, const std::string& prefix, PostgresServer& (*server)()) {
  if (text.find("{" + prefix + "_") == std::string::npos) return;
  replace_all(text, "{" + prefix + "_port}", std::to_string(server().port()));
  replace_all(text, "{" + prefix + "_dir}", server().socket_dir());
}

std::string expanded(std::string text, const std::string& dir, int port) {
  replace_all(text, "{port}", std::to_string(port));
  replace_all(text, "{dir}", dir);
  fill_in(text, "pg", postgres);
  fill_in(text, "tls", postgres_with_tls);
  return text;
}

bool has_sanitizer_report(const std::string& log) {
  for (const char* mark : {"ERROR: AddressSanitizer", "ERROR: LeakSanitizer",
                           "runtime error:", "WARNING: ThreadSanitizer"}) {
    if (log.find(mark) != std::string::npos) return true;
  }
  return false;
}

std::string tail(const std::string& log) {
  constexpr size_t kShown = 8000;
  return log.size() <= kShown ? log : "...\n" + log.substr(log.size() - kShown);
}

}  // namespace

const char* const kUserList = R"("postgres" "postgres-secret"
"trust_user" "trust-secret"
"plain_user" "plain-secret"
"md5_user" "md5-secret"
"scram_user" "scram-secret"
)";

std::string ini_text(const std::string& settings, const std::string& databases) {
  return "[databases]\n" + (databases.empty() ? default_databases() : databases) + kBase +
         settings + "\n";
}

std::string remuda_program() {
  if (const char* path = std::getenv("REMUDA_BIN")) return path;
  return REMUDA_BIN;
}

std::string remuda_sanitizers() {
  if (const char* names = std::getenv("REMUDA_SANITIZE")) return names;
  return REMUDA_SANITIZE;
}

Remuda::Remuda(const std::string& ini, const std::string& users, int descriptors) {
  write_ini(ini);
  write_users(users);
  start(descriptors);
}

void Remuda::start(int descriptors) {
  process_ = std::make_unique<Process>(Command{.argv = {remuda_program(), ini_file_},
                                               .output = log_file_,
                                               .directory = dir_.path(),
                                               .environment = {{"TZ", "UTC"}},
                                               .descriptors = descriptors});
  const bool ready = eventually([this] {
    if (!process_->running()) throw std::runtime_error("remuda did not start:\n" + log());
    // The last line of the start: by then every listener is there.
    return log().find("process up") != std::string::npos && is_listening(port_);
  });
  if (!ready) throw std::runtime_error("remuda does not accept connections:\n" + log());
}

Remuda::~Remuda() {
  process_->signal(SIGQUIT);
  const auto code = process_->wait_exit();
  if (!code) FAIL_CHECK("remuda did not end at SIGQUIT");
  if (code && *code != 0) FAIL_CHECK("remuda ended with code " << *code);
  const bool reported = has_sanitizer_report(log());
  if (reported) FAIL_CHECK("a sanitizer complained");
  if (reported || code != 0 || has_test_failed() || std::uncaught_exceptions() > 0)
    std::cerr << "----- remuda's log -----\n" << tail(log()) << "------------------------\n";
}

void Remuda::set_console(const std::string& user, const std::string& password) {
  console_.user = user;
  console_.password = password;
}

void Remuda::write_ini(const std::string& ini) {
  write_file(ini_file_, expanded(ini, dir_.path(), port_));
}
void Remuda::write_users(const std::string& users) {
  write_file(dir_.file("userlist.txt"), users);
}
void Remuda::reload() const {
  console().exec("RELOAD");
}

Address Remuda::address(const std::string& dbname, const std::string& user,
                        const std::string& password) const {
  return {.port = port_, .dbname = dbname, .user = user, .password = password};
}

Pq Remuda::connect(const std::string& dbname, const std::string& user,
                   const std::string& password) const {
  return Pq(address(dbname, user, password));
}

PqError Remuda::refusal(const std::string& dbname, const std::string& user,
                        const std::string& password) const {
  return pq_error([&] { connect(dbname, user, password); });
}

std::vector<Record> Remuda::show(const std::string& what) const {
  Pq connection = console();
  connection.send("SHOW " + what);
  const auto results = connection.all_results();
  const PGresult* result = results.at(0).get();
  check_result(result);
  std::vector<Record> records;
  for (const Row& row : rows_of(result)) {
    Record record;
    for (size_t c = 0; c < row.size(); ++c)
      record[PQfname(result, static_cast<int>(c))] = row[c].value_or("(null)");
    records.push_back(std::move(record));
  }
  return records;
}

Record Remuda::pool(const std::string& dbname, const std::string& user) const {
  for (const auto& record : show("POOLS")) {
    if (record.at("database") == dbname && record.at("user") == user) return record;
  }
  return {};
}

bool Remuda::wait_pool(const std::string& dbname, const std::string& column, int value,
                       const std::string& user) const {
  return eventually([&] {
    const Record record = pool(dbname, user);
    return !record.empty() && record.at(column) == std::to_string(value);
  });
}

bool Remuda::wait_log(const std::string& text) const {
  return eventually([&] { return log().find(text) != std::string::npos; });
}

FailedStart failed_start(const std::string& ini) {
  TempDir dir;
  const std::string file = dir.file("remuda.ini");
  write_file(file, expanded(ini, dir.path(), free_port()));
  write_file(dir.file("userlist.txt"), kUserList);
  const std::string output = dir.file("output.log");
  Process process(
      Command{.argv = {remuda_program(), file}, .output = output, .directory = dir.path()});
  const auto code = process.wait_exit();
  return {code.value_or(-1), read_file(output)};
}

long Remuda::resident() const {
  const std::string status = read_file("/proc/" + std::to_string(pid()) + "/status");
  const auto at = status.find("VmRSS:");
  if (at == std::string::npos) throw std::runtime_error("no VmRSS of remuda");
  return std::stol(status.substr(at + 6));
}

}  // namespace remuda::test
