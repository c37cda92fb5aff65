// The cancel keys that a worker has issued. A key names the worker that issued it and a place in
// its table; a client that moves to another worker keeps its key, and the table knows where it
// went. Worker's thread only.
#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "proxy/cancel_key.h"

namespace remuda::proxy {

class Client;

class KeyTable {
 public:
  explicit KeyTable(int worker) noexcept : worker_(worker) {}

  static int issuer(CancelKey key) noexcept {
    return static_cast<int>(key.pid >> CancelKey::kIndexBits);
  }

  // Gives the client a new key, a long one if it speaks protocol 3.2.
  void issue(Client& client, bool is_long);
  // The client has come from another worker, with its key.
  void settle(Client& client);
  // The client goes to another worker, or ends. What another worker issued is for that one to know.
  void remove(const Client& client) noexcept;

  // For the issuer: the key's client is there now, or has ended.
  void set_moved(CancelKey key, int worker);
  void free(CancelKey key) noexcept;

  // Null: no client here has this key.
  Client* find(CancelKey key) const noexcept;
  // Where the key's client has gone; nothing if it is not known or here.
  std::optional<int> find_moved(CancelKey key) const noexcept;

 private:
  static size_t index_of(CancelKey key) noexcept {
    return key.pid & ((1u << CancelKey::kIndexBits) - 1);
  }
  bool is_own(CancelKey key) const noexcept { return issuer(key) == worker_; }

  const int worker_;
  std::vector<Client*> own_;  // by the key's index; null: free, or moved away
  std::vector<uint32_t> free_;
  std::unordered_map<uint32_t, int> moved_;         // own keys, by pid
  std::unordered_map<uint32_t, Client*> settlers_;  // keys of others, by pid
};

}  // namespace remuda::proxy
