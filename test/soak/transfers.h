// The book of transfers: which were committed for certain, which must have left nothing. What the
// database holds at the end of a round is compared with it. Any thread, a mutex.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "support/postgres.h"

namespace remuda::soak {

class Transfers {
 public:
  enum class Outcome { undone, unknown, done };

  // Makes the tables, in database p0.
  static void create(const test::PostgresServer& server);
  // What all accounts hold together, always.
  static constexpr int kAccounts = 100;
  static const char* sum() { return "100000"; }

  // Number of a new transfer, undone until told otherwise.
  long begin();
  void set(long id, Outcome outcome);

  // Complaints about what the database holds. Then both begin anew.
  std::vector<std::string> check_and_clear(const test::PostgresServer& server);

 private:
  std::mutex mutex_;
  long last_ = 0;
  std::map<long, Outcome> outcomes_;
};

}  // namespace remuda::soak
