// One side's TLS set-up: certificate, authorities, versions, ciphers. Read from files once and
// immutable afterwards; shared by the connections made with it, on any thread. A reload makes
// another: connections keep the one they began with.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>

namespace remuda::io {

// What the other side must show.
enum class PeerCheck : uint8_t {
  none,      // its certificate is not looked at
  if_given,  // need not have one; one that is given must be good
  required,  // must have a good one
};

// As the settings spell them.
struct TlsOptions {
  std::string cert_file;
  std::string key_file;
  std::string ca_file;  // empty: the system's
  std::string protocols = "secure";
  std::string ciphers = "default";  // up to TLS 1.2
  std::string tls13_ciphers;        // empty: OpenSSL's
  std::string curve = "auto";
  std::string dheparams = "auto";
  PeerCheck peer_check = PeerCheck::none;
};

class TlsContext {
 public:
  // For connections to us; the certificate is a must. Throws PgError saying which option or file
  // is at fault, and why.
  static std::shared_ptr<const TlsContext> for_accepting(const TlsOptions& options);
  // For connections that we open; a certificate is optional. Throws PgError.
  static std::shared_ptr<const TlsContext> for_connecting(const TlsOptions& options);

  SSL_CTX* raw() const noexcept { return context_.get(); }
  bool is_accepting() const noexcept { return is_accepting_; }
  // tls-server-end-point of our certificate (RFC 5929); empty when its signature has no digest.
  const std::string& end_point_hash() const noexcept { return end_point_hash_; }

 private:
  TlsContext(const TlsOptions& options, bool is_accepting);
  void set_limits();
  void set_protocols(const std::string& list);
  void set_ciphers(const TlsOptions& options);
  void set_key_exchange(const TlsOptions& options);
  void load_certificate(const TlsOptions& options);
  void load_authorities(const TlsOptions& options);
  void set_application_protocol();

  struct Free {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
  };
  std::unique_ptr<SSL_CTX, Free> context_;
  const bool is_accepting_;
  std::string end_point_hash_;
};

// tls-server-end-point of a certificate: empty when its signature algorithm has no digest.
std::string end_point_hash(X509* certificate);

// The oldest entry of OpenSSL's error queue of this thread, in words; empties the queue.
std::string tls_error_text();

}  // namespace remuda::io
