// The TLS state of one connection. It does no input or output of its own: bytes that arrived are
// lent to it, bytes to be sent are put where the caller says. During the handshake a task owns it
// and may work on it on any one thread; afterwards it belongs to its Stream, and travels with that.
#pragma once

#include <openssl/ssl.h>
#include <uv.h>

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/tls_context.h"

namespace remuda::io {

// A handshake failed. For the log: there is no way to tell the peer but TLS's own alert.
class TlsError : public std::runtime_error {
 public:
  explicit TlsError(const std::string& why) : std::runtime_error("TLS handshake failed: " + why) {}
};

// Whom we mean to connect to.
struct TlsTarget {
  std::string host;         // name or numeric address; a name is sent along (SNI)
  bool check_host = false;  // the certificate must be this host's
  bool is_direct = false;   // without an SSLRequest: the server must then confirm the protocol
};

// Where encrypted bytes are put.
struct SealedBytes {
  // Room that kRecordSize bytes need, also when the peer wants them in fragments of 512.
  static constexpr size_t kRecordRoom = 20 * 1024;

  char* data = nullptr;
  size_t size = 0;
  size_t capacity = 0;

  bool has_room() const noexcept { return capacity - size >= kRecordRoom; }
};

class TlsSession {
 public:
  // Most that one record holds in clear.
  static constexpr size_t kRecordSize = 16 * 1024;
  // What we put into one: PostgreSQL sends no more either, and libpq before version 18 reads only
  // as much of a record as it has room for, at least this, and then waits for the socket.
  static constexpr size_t kSentSize = 8 * 1024;
  // What a session takes while idle, about.
  static constexpr size_t kHeap = 15 * 1024;

  explicit TlsSession(std::shared_ptr<const TlsContext> context);
  TlsSession(std::shared_ptr<const TlsContext> context, const TlsTarget& target);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // ---- Handshake ----
  enum class Step : uint8_t { wants_input, done, failed };

  // Bytes of the peer's, copied.
  void feed(std::string_view bytes) { input_.append(bytes); }
  // Whether a step could get on: a whole record is there, or something that will never be one.
  bool can_step() const noexcept;
  // One flight: as far as the input goes. Takes up to milliseconds: offload it.
  Step handshake();
  // What is to be sent, also after a failure: an alert.
  std::string take_output() { return std::exchange(output_, std::string()); }
  // Why it failed, then or later.
  const std::string& fault() const noexcept { return fault_; }

  // ---- Data ----
  enum class Opened : uint8_t {
    more,    // all that was there, or the room, is used up
    ended,   // the peer has said goodbye
    failed,  // what came is no TLS, or has been tampered with
  };

  // Decrypts `in` (and what is left from before) into `out`, as far as both go, adding to `n`. What
  // must be answered (a key update, an alert) is put into `sealed`.
  Opened open(std::string_view in, char* out, size_t capacity, size_t& n,
              SealedBytes& sealed) noexcept;
  // Encrypts at most kRecordSize bytes into `sealed`, which has_room(). False: it is broken.
  bool seal(const char* data, size_t size, SealedBytes& sealed) noexcept;
  bool has_failed() const noexcept { return failed_; }
  // From now on it has failed.
  void give_up(const char* why);
  // Says goodbye, unless something failed before.
  void finish(SealedBytes& sealed) noexcept;

  // ---- The peer, after the handshake ----
  // Names in its certificate (checked by then): DNS names first, then the common name. Empty
  // without a certificate.
  std::vector<std::string> peer_names() const;
  bool has_peer_certificate() const noexcept;
  // tls-server-end-point: of our own certificate towards clients, of the server's towards servers.
  std::string channel_binding() const;
  // "TLSv1.3/TLS_AES_256_GCM_SHA384/ECDH=X25519"
  std::string description() const;

 private:
  struct Free {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
  };
  static BIO_METHOD* bio_method();
  static int bio_read(BIO* bio, char* data, int size);
  static int bio_write(BIO* bio, const char* data, int size);
  static long bio_control(BIO* bio, int command, long, void*);
  static void on_message(int is_ours, int, int type, const void* data, size_t size, SSL*,
                         void* session);
  void attach();
  size_t whole_records() const noexcept;
  Step fail_handshake();
  const char* objection() const noexcept;
  bool protocol_is_confirmed() const noexcept;

  const std::shared_ptr<const TlsContext> context_;
  std::unique_ptr<SSL, Free> ssl_;
  std::string_view lent_;          // input of the call in progress
  SealedBytes* sealed_ = nullptr;  // of the call in progress; null during the handshake
  std::string input_;              // fed and not yet used
  size_t ready_ = 0;               // of that, what OpenSSL may take: whole records
  int key_updates_ = 0;            // in the call in progress
  std::string output_;             // of the handshake
  std::string fault_;
  bool is_direct_ = false;
  bool failed_ = false;
};

}  // namespace remuda::io
