#include "proxy/key_table.h"

#include "proxy/client.h"

namespace remuda::proxy {

void KeyTable::issue(Client& client, bool is_long) {
  uint32_t index = 0;
  if (free_.empty()) {
    index = static_cast<uint32_t>(own_.size());
    own_.push_back(&client);
  } else {
    index = free_.back();
    free_.pop_back();
    own_[index] = &client;
  }
  REMUDA_CHECK(index < 1u << CancelKey::kIndexBits);
  client.key.pid = static_cast<uint32_t>(worker_) << CancelKey::kIndexBits | index;
  make_secret(client.key, is_long);
}

void KeyTable::settle(Client& client) {
  if (is_own(client.key)) {
    moved_.erase(client.key.pid);
    own_[index_of(client.key)] = &client;
  } else {
    settlers_[client.key.pid] = &client;
  }
}

void KeyTable::remove(const Client& client) noexcept {
  if (is_own(client.key)) {
    own_[index_of(client.key)] = nullptr;
  } else {
    settlers_.erase(client.key.pid);
  }
}

void KeyTable::set_moved(CancelKey key, int worker) {
  if (worker != worker_) moved_[key.pid] = worker;
}

void KeyTable::free(CancelKey key) noexcept {
  moved_.erase(key.pid);
  own_[index_of(key)] = nullptr;
  free_.push_back(static_cast<uint32_t>(index_of(key)));
}

Client* KeyTable::find(CancelKey key) const noexcept {
  Client* client = nullptr;
  if (!is_own(key)) {
    const auto at = settlers_.find(key.pid);
    if (at != settlers_.end()) client = at->second;
  } else if (index_of(key) < own_.size()) {
    client = own_[index_of(key)];
  }
  return client && client->key == key ? client : nullptr;
}

std::optional<int> KeyTable::find_moved(CancelKey key) const noexcept {
  const auto at = moved_.find(key.pid);
  if (at == moved_.end()) return std::nullopt;
  return at->second;
}

}  // namespace remuda::proxy
