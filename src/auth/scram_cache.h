// SCRAM secrets made from plain passwords of the auth file, so that a client can log in by SCRAM:
// made once per user and password. Names that only a stranger has uttered never come here, so it
// cannot be made to forget. Bounded. One loop.
#pragma once

#include <map>
#include <string>

#include "io/offload.h"
#include "io/task.h"
#include "remuda/wire/scram.h"

namespace remuda::auth {

class ScramCache {
 public:
  static constexpr size_t kMost = 10000;

  struct Made {
    wire::ScramSecret secret;
    bool is_new = false;  // PBKDF2 has run for this call
  };

  ScramCache(io::Loop& loop, io::OffloadLimit& crypto) : loop_(loop), crypto_(crypto) {}

  // Computed on the thread pool when not known. Another password, salt or count makes another
  // secret, in the place of the user's last one.
  io::Task<Made> secret(std::string user, std::string password, std::string salt,
                        uint32_t iterations);
  size_t size() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    wire::Digest password_digest;
    wire::ScramSecret secret;
  };

  const Entry* find(const std::string& user, const wire::Digest& password_digest,
                    const std::string& salt, uint32_t iterations) const;

  io::Loop& loop_;
  io::OffloadLimit& crypto_;
  std::map<std::string, Entry> entries_;
};

}  // namespace remuda::auth
