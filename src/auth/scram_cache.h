// SCRAM secrets made from plain passwords of the auth file, so that a client can log in by SCRAM:
// made once per user and password. One loop.
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

  ScramCache(io::Loop& loop, io::OffloadLimit& crypto) : loop_(loop), crypto_(crypto) {}

  // Computed on the thread pool when not known. A changed password makes a new secret; a changed
  // count of iterations does not.
  io::Task<wire::ScramSecret> secret(std::string user, std::string password, uint32_t iterations);

 private:
  struct Entry {
    wire::Digest password_digest;
    wire::ScramSecret secret;
  };
  io::Loop& loop_;
  io::OffloadLimit& crypto_;
  std::map<std::string, Entry> entries_;
};

}  // namespace remuda::auth
