// A real Patroni cluster on this machine: an etcd and three Patronis, each with a PostgreSQL, all
// in one directory, gone with the object. Used by the test's main thread.
//
// Replication is synchronous, so that no transfer is lost with a leader. The programs are those of
// the system, or below REMUDA_PATRONI_ROOT of the environment.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "support/channel.h"
#include "support/pq.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace remuda::test {

// A request to a REST interface, on its way since it was made.
class HttpRequest {
 public:
  HttpRequest(int port, const std::string& method, const std::string& path,
              const std::string& body = "");
  // Of the answer, which is waited for; 0 when there is none.
  int status();

 private:
  Channel channel_;
};

class PatroniCluster {
 public:
  static constexpr size_t kMembers = 3;
  // Packages that are needed and not there; empty when one can be started.
  static std::string missing();

  // Member 0 leads, 1 is its synchronous standby, 2 is never promoted. Takes about ten seconds.
  PatroniCluster();
  // The Patronis end their servers.
  ~PatroniCluster();

  Address address(size_t member, const std::string& dbname = "p0") const;
  int port(size_t member) const { return members_[member].port; }
  // For patroni_urls.
  std::string urls() const;
  // Whether GET of this path says yes: /leader, /replica, /sync.
  bool is(const std::string& path, size_t member) const;
  // Waits for it; throws with the member's log when it takes too long.
  void wait_for(const std::string& path, size_t member) const;
  HttpRequest request(size_t member, const std::string& method, const std::string& path,
                      const std::string& body) const;

  void start(size_t member);
  // Patroni and its PostgreSQL, at once, as if the machine had lost power.
  void kill(size_t member);
  // YAML; read at once.
  void set_tags(size_t member, const std::string& tags);

 private:
  struct Member {
    std::string name;
    int port = free_port();
    int rest_port = free_port();
    std::string tags = {};
    std::optional<Process> patroni = {};
  };

  void start_etcd();
  void write_configuration(const Member& member) const;
  std::string postmaster_file(const Member& member) const;
  void kill_postgres(const Member& member) const;

  TempDir dir_;
  int etcd_port_ = free_port();
  std::optional<Process> etcd_;
  std::array<Member, kMembers> members_ = {
      Member{.name = "a"}, Member{.name = "b"},
      Member{.name = "c", .tags = "nofailover: true, nosync: true"}};
};

}  // namespace remuda::test
