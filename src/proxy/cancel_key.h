// The key we give a client to cancel with. The first half names worker and client, the second is
// random: four bytes in protocol 3.0, sixteen in 3.2. PostgreSQL manual, Frontend/Backend Protocol,
// Message Formats: BackendKeyData, CancelRequest.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "remuda/base/bytes.h"

namespace remuda::proxy {

struct CancelKey {
  // The number that stands for the console, in place of a worker's.
  static constexpr uint32_t kConsole = 0x7f;
  // The low bits of pid number the client, those above the worker.
  static constexpr int kIndexBits = 24;

  uint32_t pid = 0;
  uint32_t secret = 0;
  std::array<uint32_t, 3> tail{};  // of a long secret
  bool is_long = false;
  bool operator==(const CancelKey&) const = default;
};

// Fills in a random secret.
void make_secret(CancelKey& key, bool is_long);

// The secret as it is sent.
std::string secret_bytes(const CancelKey& key);

// Nothing if we issue no keys with a secret of this length.
std::optional<CancelKey> to_cancel_key(uint32_t pid, ByteView secret) noexcept;

}  // namespace remuda::proxy
