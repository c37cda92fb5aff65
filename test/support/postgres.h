// A PostgreSQL of the tests' own: fresh data directory, free port, gone with the object.
//
// Databases p0, p1, p2, p3. Users and the method that TCP demands of each (unix sockets trust all):
//   postgres trust (superuser)      trust_user trust        plain_user password, plain-secret
//   md5_user md5, md5-secret        scram_user scram-sha-256, scram-secret
// With TLS (certificates().server) unix sockets ask as TCP does, and there are more users:
//   tls_user scram-sha-256, tls-secret, over TLS only     clear_user trust, without TLS only
//   cert_user the certificate of that name                peer_user the account remuda runs as
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "support/pq.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace remuda::test {

class PostgresServer {
 public:
  enum class Stop { smart, fast, immediate };
  enum class Tls { off, on };

  // Started and ready. Takes about two seconds: prefer postgres() below unless it is to be stopped.
  explicit PostgresServer(Tls tls = Tls::off);
  // A standby of the other, with a copy of its data, streaming from it.
  explicit PostgresServer(const PostgresServer& primary);
  ~PostgresServer();

  // Path of one of PostgreSQL's programs.
  static std::string program(const std::string& name);

  int port() const { return port_; }
  const std::string& socket_dir() const { return dir_.path(); }
  Address address(const std::string& dbname = "p0", const std::string& user = "postgres") const;

  // As superuser, on a connection of its own.
  Rows exec(const std::string& sql, const std::string& dbname = "p0") const;
  std::string value(const std::string& sql, const std::string& dbname = "p0") const;
  // Connections of others to a database now.
  int backends(const std::string& dbname) const;
  // Waits until there are so many: a process outlives its connection, if only for a moment.
  bool wait_backends(const std::string& dbname, int count) const;

  bool is_running() const { return process_.has_value(); }
  void stop(Stop how = Stop::fast);
  // As if the machine had lost power: all of its processes at once.
  void kill();
  // The same for any server, by the process that was started first.
  static void kill(pid_t postmaster);
  // All of its processes stand still: whoever connects gets no answer.
  void freeze();
  void thaw();
  // Same port and data as before.
  void start();
  // Ends recovery: it is the primary when this returns.
  void promote();
  // While it is stopped, or is a standby already: the one it streams from.
  void follow(const PostgresServer& primary);
  bool is_standby() const { return value("SELECT pg_is_in_recovery()") == "t"; }
  std::string log() const { return read_file(log_file_); }

 private:
  void create_data(Tls tls);
  void create_roles_and_databases() const;

  TempDir dir_;
  std::string data_ = dir_.file("data");
  std::string log_file_ = dir_.file("postgres.log");
  int port_ = free_port();
  std::optional<Process> process_;
};

// The one this test program shares; started at first use. Tests must leave it running and clean.
PostgresServer& postgres();
// Another that has TLS; same rules.
PostgresServer& postgres_with_tls();

}  // namespace remuda::test
