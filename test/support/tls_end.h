// One end of a TLS connection, for either side, without a socket: bytes go in and out as strings,
// so that a test may cut, hold back or spoil them. A Channel does the sending (channel.h). Owned
// and used by one thread.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "support/certificates.h"

namespace remuda::test {

// TLS was refused or broken off; the text is OpenSSL's, with the peer's alert if it sent one.
struct TlsFailure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// What an end shows, wants and allows. What is left out is left to OpenSSL.
struct TlsChoices {
  CertificateFiles certificate = {};
  // Authorities of the peer's certificate; a client then also demands that it fits `host`, a server
  // that there is one. Empty: nothing is checked.
  std::string ca_file = {};
  // Sent by a client as the name of the server (SNI).
  std::string host = {};
  // The only version: TLS1_2_VERSION, TLS1_3_VERSION. 0 is any.
  int version = 0;
  std::string ciphers = {};
  std::string suites = {};
  std::string groups = {};
  // ALPN: what a client offers, what a server picks from. Empty: none is spoken of.
  std::vector<std::string> protocols = {};
  // A session to resume, from TlsEnd::session().
  SSL_SESSION* resumed = nullptr;
};

class TlsEnd {
 public:
  enum class Role { client, server };

  TlsEnd(Role role, const TlsChoices& choices);

  // Goes on with the handshake; true once it is finished. Throws TlsFailure; what there is to send
  // then is the alert.
  bool handshake(std::string_view arrived = {});
  // What is to be sent to the peer.
  std::string take_output();

  // Encrypts, one record per `record` bytes.
  std::string seal(std::string_view clear, size_t record = 16384);
  // Decrypts and appends to `clear`. False when the peer has said goodbye.
  bool open(std::string_view arrived, std::string& clear);
  // Asks for new keys both ways (TLS 1.3).
  std::string key_update();
  // Asks for a new handshake (TLS 1.2).
  std::string renegotiate();
  // Our goodbye.
  std::string close_notify();

  std::string version() const { return SSL_get_version(ssl_.get()); }
  std::string cipher() const { return SSL_get_cipher_name(ssl_.get()); }
  // The protocol that was agreed on; empty if none.
  std::string protocol() const;
  // The name that the client asked for; empty if none.
  std::string requested_host() const;
  // Common name of the peer's certificate; empty if it has none.
  std::string peer_name() const;
  // Of the server's certificate, ours or the peer's: its hash by SHA-256.
  std::string end_point_hash() const;
  bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }

  using Session = std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)>;
  // For TlsChoices::resumed. With TLS 1.3 the peer sends it along with its first answer.
  Session session() const { return {SSL_get1_session(ssl_.get()), SSL_SESSION_free}; }

 private:
  void configure(const TlsChoices& choices);
  void feed(std::string_view arrived);
  [[noreturn]] void fail(int result);

  const Role role_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  // What a server picks from, as the protocol encodes it.
  std::string protocols_;
};

}  // namespace remuda::test
