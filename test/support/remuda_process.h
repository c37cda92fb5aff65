// The remuda program under test: own directory, free port, log kept, exit checked.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "support/pq.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace remuda::test {

// One row of a SHOW, by column name; NULL is "(null)".
using Record = std::map<std::string, std::string>;

// A complete ini: databases p0 to p3 on postgres(), pooled by transaction, everyone trusted.
// `settings` is appended to section [remuda], so it overrides; `databases` replaces p0 to p3.
std::string ini_text(const std::string& settings = "", const std::string& databases = "");

// A secret each for postgres, trust_user, plain_user, md5_user and scram_user, in plain text.
extern const char* const kUserList;

class Remuda {
 public:
  // Writes `ini`, with {port}, {pg_port}, {pg_dir}, {tls_port}, {tls_dir} (postgres_with_tls()) and
  // {dir} filled in, and the user list beside it; starts; returns when it accepts connections.
  // Throws with the log when it does not come up. `descriptors` limits how many it may have open, 0
  // does not.
  explicit Remuda(const std::string& ini = ini_text(), const std::string& users = kUserList,
                  int descriptors = 0);
  // Ends it with SIGQUIT; a bad exit or a sanitizer's report fails the test and shows the log.
  ~Remuda();

  int port() const { return port_; }
  pid_t pid() const { return process_->pid(); }
  const std::string& dir() const { return dir_.path(); }

  Address address(const std::string& dbname = "p0", const std::string& user = "postgres",
                  const std::string& password = "") const;
  Pq connect(const std::string& dbname = "p0", const std::string& user = "postgres",
             const std::string& password = "") const;
  // The same, for a login that is refused.
  PqError refusal(const std::string& dbname, const std::string& user = "postgres",
                  const std::string& password = "") const;

  // Over the unix socket, where no TLS is asked for.
  Pq console() const { return Pq(console_); }
  // How console(), show() and reload() log in, where trust is not enough.
  void set_console(const std::string& user, const std::string& password);
  // Rows of "SHOW what" over a console connection of its own.
  std::vector<Record> show(const std::string& what) const;
  // Row of SHOW POOLS; empty when there is none.
  Record pool(const std::string& dbname, const std::string& user = "postgres") const;
  // Waits until a column of it has this value.
  bool wait_pool(const std::string& dbname, const std::string& column, int value,
                 const std::string& user = "postgres") const;

  // Replaces the files; reload() tells the process, and throws when it refuses.
  void write_ini(const std::string& ini);
  void write_users(const std::string& users);
  void reload() const;

  void signal(int number) { process_->signal(number); }
  std::optional<int> wait_exit(milliseconds timeout = kPatience) {
    return process_->wait_exit(timeout);
  }
  bool running() { return process_->running(); }
  std::string log() const { return read_file(log_file_); }
  bool wait_log(const std::string& text) const;
  // Resident memory in kB.
  long resident() const;

 private:
  void start(int descriptors);

  TempDir dir_;
  int port_ = free_port();
  std::string ini_file_ = dir_.file("remuda.ini");
  std::string log_file_ = dir_.file("output.log");
  Address console_ = {
      .host = dir_.path(), .port = port_, .dbname = "pgbouncer", .user = "postgres"};
  std::unique_ptr<Process> process_;
};

// `ini` with the markers above filled in, started and expected to end by itself: exit code, and
// what it printed.
struct FailedStart {
  int code;
  std::string output;
};
FailedStart failed_start(const std::string& ini);

// The program's path: REMUDA_BIN of the environment, else of the build.
std::string remuda_program();

// The sanitizers it is built with, "address,undefined", "thread" or none: REMUDA_SANITIZE of the
// environment, else of the build. They keep freed memory back.
std::string remuda_sanitizers();

}  // namespace remuda::test
