// What all workers of a process share. Made by the daemon before the first thread starts and alive
// until the last has ended.
#pragma once

#include <array>
#include <atomic>
#include <climits>
#include <functional>
#include <memory>
#include <vector>

#include "auth/access.h"
#include "config/config.h"
#include "config/user_list.h"
#include "io/thread_pool.h"
#include "proxy/cancel_key.h"
#include "proxy/failover_waits.h"
#include "proxy/ledger.h"
#include "proxy/peer_keys.h"
#include "proxy/peer_pools.h"
#include "proxy/tls_setup.h"
#include "route/host_board.h"

namespace remuda::proxy {

class Worker;
struct Admission;

// One immutable state of configuration and secrets. Reload makes another.
struct Snapshot {
  std::shared_ptr<const config::Config> config;
  std::shared_ptr<const config::UserList> users;
  TlsContexts tls;
  std::shared_ptr<const auth::Access> access = std::make_shared<const auth::Access>();
};

enum class Shutdown : uint8_t { none, wait_for_servers, wait_for_clients, wait_for_transactions };

struct Shared {
  Shared();

  Ledgers ledgers;
  route::HostBoard hosts;
  FailoverWaits failover_waits;
  std::shared_ptr<io::ThreadPool> pool;           // for what computes or blocks; null: one per loop
  std::vector<Worker*> workers;                   // constant once threads run
  std::function<void(Admission)> admit_console;   // hands a console client to the control loop
  std::function<void(CancelKey)> cancel_console;  // the same for a cancel request with its key
  int highest_client_fd = INT_MAX;                // io::highest_client_descriptor(), asked once
  PeerKeys peer_keys;
  PeerPools peer_pools;
  std::atomic<uint64_t> next_id{1};  // of clients and servers, never reused
  std::atomic<Shutdown> shutdown{Shutdown::none};
  std::atomic<bool> suspended{false};              // by SUSPEND, from its first moment on
  std::atomic<bool> auth_query_finds_scram{true};  // the last secret it found was one
  std::array<unsigned char, 32> process_secret;    // seeds the mock exchange of unknown users
};

}  // namespace remuda::proxy
