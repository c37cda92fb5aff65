// SCRAM keys made from passwords, by (password, salt, rounds): making one takes milliseconds. Used
// for logins to servers, whose salts rarely change. Bounded. One loop.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "io/offload.h"
#include "io/task.h"
#include "remuda/wire/scram.h"

namespace remuda::pg {

class KeyCache {
 public:
  static constexpr size_t kMost = 1024;

  KeyCache(io::Loop& loop, io::OffloadLimit& crypto) : loop_(loop), crypto_(crypto) {}

  // Computed on the thread pool when not known.
  io::Task<wire::ScramKeys> keys(std::string password, std::string salt, uint32_t iterations);
  size_t size() const noexcept { return keys_.size(); }

 private:
  // The password itself is not kept, only its digest.
  using Key = std::tuple<std::string, std::string, uint32_t>;
  io::Loop& loop_;
  io::OffloadLimit& crypto_;
  std::map<Key, wire::ScramKeys> keys_;  // which wipe themselves
};

}  // namespace remuda::pg
