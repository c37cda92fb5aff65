#include "proxy/peer_keys.h"

#include "support/catch.h"

namespace remuda::proxy::peer_keys_test {

TEST_CASE("a key with a peer id names the peer and leads back to the client's own key") {
  PeerKeys keys;
  const CancelKey own{0x01000005, 77};
  for (const int peer : {1, 255, 256, 16383, 65535}) {
    const CancelKey shown = keys.issue(peer, own);
    CHECK(peer_of_key(shown) == peer);
    CHECK(hops_of_key(shown) == 3);
    CHECK((shown.pid & 0x80000000) == 0);
    CHECK(keys.find(shown) == own);
    keys.forget(own);
    CHECK_FALSE(keys.find(shown));
  }
}

TEST_CASE("a key is known however often it was forwarded, and by no other bit") {
  PeerKeys keys;
  const CancelKey own{3, 4};
  const CancelKey shown = keys.issue(0x0201, own);
  CHECK((shown.pid >> 16 & 0xff) == 0x01);
  CHECK((shown.pid >> 8 & 0xff) == 0x02);
  CancelKey key = shown;
  for (int hops = 2; hops >= 0; --hops) {
    key = one_hop_less(key);
    CHECK(hops_of_key(key) == hops);
    CHECK(keys.find(key) == own);
  }
  for (int bit = 2; bit < 32; ++bit) {
    CancelKey other = shown;
    other.secret ^= 1u << bit;
    CHECK_FALSE(keys.find(other));
  }
}

TEST_CASE("without a peer id a key is shown as it is") {
  PeerKeys keys;
  const CancelKey own{9, 8};
  CHECK(keys.issue(0, own) == own);
  CHECK_FALSE(keys.find(own));
  keys.forget(own);
}

}  // namespace remuda::proxy::peer_keys_test
