// A load client's connection: a socket, and TLS over it from the moment it is begun. The server's
// certificate is not looked at, and no session is resumed: every login is a whole handshake.
#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>

#include "macro/sockets.h"

namespace remuda::bench {

// What the TLS of all clients of a thread has in common.
class TlsSetup {
 public:
  TlsSetup();
  SSL_CTX* raw() const { return context_.get(); }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  std::unique_ptr<SSL_CTX, Free> context_;
};

class Channel {
 public:
  enum class Handshake { done, wants_read, wants_write, failed };

  Channel() = default;
  ~Channel() { close(); }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Begins to connect; false with errno set.
  bool open(const Endpoint& endpoint);
  void begin_tls(const TlsSetup& setup);
  // Goes on with the handshake; failed means tls_fault().
  Handshake handshake();

  // As recv and send do: -1 with EAGAIN when nothing goes, with EPROTO for tls_fault().
  ssize_t receive(char* to, size_t size);
  ssize_t send(std::string_view bytes);
  // Bytes have come that no event will tell of.
  bool has_pending() const { return tls_ != nullptr && SSL_has_pending(tls_.get()) != 0; }

  // Says goodbye in TLS, if it has begun.
  void shut_down();
  void close();

  int fd() const { return fd_; }
  const std::string& tls_fault() const { return fault_; }

 private:
  ssize_t result_of(int result);

  struct Free {
    void operator()(SSL* tls) const { SSL_free(tls); }
  };
  int fd_ = -1;
  std::unique_ptr<SSL, Free> tls_;
  std::string fault_;
};

}  // namespace remuda::bench
