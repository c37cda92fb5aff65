// SCRAM-SHA-256, both sides, step by step: messages in, messages out, no waiting. Neither side
// computes PBKDF2 on its own, so that the caller can offload and keep it. Everything the peer sends
// is bounded; a fault is a text for the log, as a client is told no more than that authentication
// failed. Owned by the task of one login. Keys are wiped when their owner dies. RFC 5802, RFC 7677;
// PostgreSQL manual, Frontend/Backend Protocol, SASL Authentication.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "remuda/base/bytes.h"
#include "remuda/wire/secret.h"

namespace remuda::wire {

inline constexpr std::string_view kScramSha256 = "SCRAM-SHA-256";
inline constexpr std::string_view kScramSha256Plus = "SCRAM-SHA-256-PLUS";

constexpr uint32_t kDefaultScramIterations = 4096;
constexpr uint32_t kMaxScramIterations = 1'000'000;  // what a server may ask of us
constexpr size_t kMaxScramMessage = 8 * 1024;
constexpr size_t kMaxScramNonce = 1024;
constexpr size_t kMaxScramSalt = 1024;
constexpr size_t kScramSaltSize = 16;  // of the salts we make

// What a password comes down to: enough to log in with, so as secret as the password.
struct ScramKeys {
  ~ScramKeys() {
    wipe(client_key);
    wipe(server_key);
  }

  Digest client_key{};
  Digest server_key{};
};

// The normal form of a password (RFC 4013). Where there is none, because it is not UTF-8 or holds
// what is prohibited, the bytes themselves, as PostgreSQL does; also where finding it would take
// too long, above 4 KB that are not all ASCII.
std::string saslprep(ByteView password);

// PBKDF2 over the normal form: milliseconds. Depends on its arguments alone.
Digest salted_password(ByteView password, ByteView salt, uint32_t iterations);
ScramKeys derive_keys(const Digest& salted_password);

// What a server stores for a password. Runs PBKDF2.
ScramSecret build_secret(ByteView password, ByteView salt, uint32_t iterations);

// Checks a client that logs in to us.
class ScramServer {
 public:
  struct Options {
    std::string nonce;            // ours; empty means random
    std::string channel_binding;  // tls-server-end-point data; not empty means PLUS was offered
    bool plus = false;            // the client chose SCRAM-SHA-256-PLUS
    bool mock = false;            // go through all motions, and fail at the end
  };

  enum class Status : uint8_t { go_on, done, failed };

  ScramServer(ScramSecret secret, Options options);
  explicit ScramServer(ScramSecret secret) : ScramServer(std::move(secret), Options()) {}
  ~ScramServer();
  ScramServer(const ScramServer&) = delete;
  ScramServer& operator=(const ScramServer&) = delete;

  // The salt of a user for whom none is stored. It depends on the process's own secret and the
  // name, so that asking twice gives the same.
  static std::string salt_for(ByteView process_secret, ByteView user);
  // The secret of a user who does not exist; use it with Options::mock.
  static ScramSecret mock_secret(ByteView process_secret, ByteView user, uint32_t iterations);

  // Takes the client's next message. go_on: reply() goes out as SASLContinue; done: as SASLFinal;
  // failed: fault() says why.
  Status step(ByteView message);
  const std::string& reply() const noexcept { return reply_; }
  const std::string& fault() const noexcept { return fault_; }

  // Puts in the keys that the client's proof is checked with, where only salt and iterations were
  // known at the beginning. Between go_on and the last step.
  void set_keys(const ScramSecret& made);

  // When done: what proved the client, good for logging in elsewhere with the same secret.
  const Digest& client_key() const noexcept { return client_key_; }
  const ScramSecret& secret() const noexcept { return secret_; }

 private:
  enum class Expects : uint8_t { first, final, nothing };
  bool read_first(ByteView message);
  bool read_gs2_header(ByteView message, size_t& size);
  bool read_final(ByteView message);
  bool check_proof(ByteView proof);
  bool fail(std::string_view why);

  ScramSecret secret_;
  Options options_;
  Expects expects_ = Expects::first;
  std::string gs2_header_;
  std::string nonce_;         // the client's and ours
  std::string auth_message_;  // grows with the exchange
  std::string reply_;
  std::string fault_;
  Digest client_key_{};
};

// Logs in to a server.
class ScramClient {
 public:
  struct Options {
    std::string nonce;            // ours; empty means random
    std::string channel_binding;  // not empty: PLUS was chosen, with tls-server-end-point data
    bool could_bind = false;      // PLUS was not offered, and would have been chosen
  };

  explicit ScramClient(Options options);
  ScramClient() : ScramClient(Options()) {}
  ~ScramClient();
  ScramClient(const ScramClient&) = delete;
  ScramClient& operator=(const ScramClient&) = delete;

  // 1. The initial response.
  std::string client_first() const;

  // 2. Takes the server's challenge; false means fault(). Then salt() and iterations() hold.
  bool server_first(ByteView message);
  const std::string& salt() const noexcept { return salt_; }
  uint32_t iterations() const noexcept { return iterations_; }

  // 3. The answer, from salted_password(password, salt(), iterations()) or from keys at hand.
  std::string client_final(const Digest& salted_password);
  std::string client_final_with_keys(const ScramKeys& keys);

  // 4. Takes the server's last word; false means that it has not proved itself, and fault().
  bool server_final(ByteView message);
  const std::string& fault() const noexcept { return fault_; }

 private:
  enum class Expects : uint8_t { server_first, keys, server_final, nothing };
  bool read_server_first(ByteView message);
  std::string first_bare() const { return "n=,r=" + options_.nonce; }
  std::string gs2_header() const;
  bool fail(std::string_view why);

  Options options_;
  Expects expects_ = Expects::server_first;
  std::string nonce_;
  std::string salt_;
  uint32_t iterations_ = 0;
  std::string auth_message_;
  Digest server_signature_{};
  std::string fault_;
};

}  // namespace remuda::wire
