// Asks Patroni's REST interface for the cluster, over HTTP or HTTPS (libcurl). It blocks, so it is
// for a thread of the pool (io/offload.h). Patroni's documentation, "Patroni REST API".
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "config/config.h"
#include "remuda/base/time.h"
#include "remuda/wire/crypto.h"
#include "route/cluster_member.h"

namespace remuda::route {

#ifdef REMUDA_HAVE_CURL
constexpr bool kHasPatroni = true;
#else
constexpr bool kHasPatroni = false;
#endif

// Where and how to ask. The password wipes itself.
struct PatroniOptions {
  PatroniOptions() = default;
  PatroniOptions(const PatroniOptions&) = default;
  PatroniOptions& operator=(const PatroniOptions&) = default;
  ~PatroniOptions() { wire::wipe(password); }
  bool operator==(const PatroniOptions&) const = default;

  std::vector<std::string> urls;  // of members of one cluster, as config/rest_url.h allows them
  std::string user;               // empty: no basic authentication
  std::string password;
  std::string ca_file;  // empty: the system's authorities
  std::string cert_file;
  std::string key_file;  // empty: the key is in cert_file
  bool verify = true;
  Micros timeout = 2 * kSecond;  // for one URL, all in all
};

// From the settings patroni_*; the URLs are those of the database (config/effective.h).
PatroniOptions patroni_options(const config::Config& config, const std::vector<std::string>& urls);

class PatroniClient {
 public:
  explicit PatroniClient(PatroniOptions options);
  PatroniClient(const PatroniClient&) = delete;
  PatroniClient& operator=(const PatroniClient&) = delete;

  // The cluster as one of the URLs tells it: the one that answered last, else the next that does.
  // Throws PgError with each URL and its reason when none gives a good answer, Closed when
  // interrupted. One call at a time.
  ClusterView fetch();

  // Any thread: what the last URL said does not fit to what is seen, so the next fetch begins with
  // another. A Patroni that is cut off from the others may go on telling what was (with raft).
  void distrust() noexcept { is_distrusted_ = true; }

  // Any thread: ends the fetch under way within a second, and those to come at once.
  void interrupt() noexcept { interrupted_ = true; }

 private:
  const PatroniOptions options_;
  size_t first_ = 0;  // the URL that answered last
  std::atomic<bool> is_distrusted_{false};
  std::atomic<bool> interrupted_{false};
};

}  // namespace remuda::route
