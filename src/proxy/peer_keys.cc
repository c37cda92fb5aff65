#include "proxy/peer_keys.h"

#include "remuda/base/bytes.h"
#include "remuda/base/error.h"
#include "remuda/wire/crypto.h"

namespace remuda::proxy {
namespace {

constexpr uint32_t kHops = 3;  // the bits, and how many there are at first
constexpr uint32_t kRandomOfPid = 0x7f0000ff;

uint64_t packed(CancelKey key) noexcept {
  return uint64_t{key.pid} << 32 | key.secret;
}

CancelKey with_all_hops(CancelKey key) noexcept {
  key.secret |= kHops;
  return key;
}

CancelKey random_key(int peer_id) {
  const std::string random = wire::random_bytes(8);
  const auto peer = static_cast<uint32_t>(peer_id);
  CancelKey key;
  key.pid = load_u32(random.data()) & kRandomOfPid;
  key.pid |= (peer & 0xff) << 16 | (peer >> 8 & 0xff) << 8;
  key.secret = load_u32(random.data() + 4) | kHops;
  return key;
}

}  // namespace

int peer_of_key(CancelKey shown) noexcept {
  return static_cast<int>((shown.pid >> 16 & 0xff) | (shown.pid >> 8 & 0xff) << 8);
}

int hops_of_key(CancelKey shown) noexcept {
  return static_cast<int>(shown.secret & kHops);
}

CancelKey one_hop_less(CancelKey shown) noexcept {
  REMUDA_CHECK(hops_of_key(shown) > 0);
  --shown.secret;
  return shown;
}

CancelKey PeerKeys::issue(int peer_id, CancelKey own) {
  if (peer_id == 0) return own;
  const std::lock_guard lock(mutex_);
  CancelKey shown = random_key(peer_id);
  while (own_.contains(packed(shown))) shown = random_key(peer_id);
  own_[packed(shown)] = own;
  shown_[packed(own)] = packed(shown);
  return shown;
}

void PeerKeys::forget(CancelKey own) noexcept {
  const std::lock_guard lock(mutex_);
  const auto at = shown_.find(packed(own));
  if (at == shown_.end()) return;
  own_.erase(at->second);
  shown_.erase(at);
}

std::optional<CancelKey> PeerKeys::find(CancelKey shown) const {
  if (shown.is_long) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const auto at = own_.find(packed(with_all_hops(shown)));
  if (at == own_.end()) return std::nullopt;
  return at->second;
}

}  // namespace remuda::proxy
