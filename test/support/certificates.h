// Throw-away certificate authorities and certificates, made in this process and written as PEM
// files that only we and the children may read.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

#include "support/temp_dir.h"

namespace remuda::test {

enum class KeyKind { ec, rsa, ed25519 };

// What is to be certified.
struct CertificateRequest {
  std::string common_name;
  // "DNS:localhost", "IP:127.0.0.1".
  std::vector<std::string> alt_names = {};
  KeyKind key = KeyKind::ec;
  // Was good until yesterday.
  bool expired = false;
  // Not empty: the key file is encrypted.
  std::string passphrase = {};
};

// Both empty: no certificate.
struct CertificateFiles {
  std::string cert;
  std::string key;
};

class Authority {
 public:
  // Its own certificate goes to `directory`/`name`.crt.
  Authority(std::string directory, const std::string& name, KeyKind kind = KeyKind::ec);

  const std::string& file() const { return file_; }
  // Writes `stem`.crt and `stem`.key, over what was there.
  CertificateFiles issue(const std::string& stem, const CertificateRequest& request) const;

 private:
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

  const std::string directory_;
  const std::string file_;
  Key key_;
  Certificate certificate_;
};

// What most tests need. Certificates for servers are localhost's: by name, not by address.
struct Certificates {
  TempDir dir;
  Authority authority{dir.path(), "authority"};
  Authority other_authority{dir.path(), "other-authority"};
  CertificateFiles server = authority.issue("server", {"localhost", {"DNS:localhost"}});
  CertificateFiles expired_server =
      authority.issue("expired-server", {"localhost", {"DNS:localhost"}, KeyKind::ec, true});
  // For users of that name.
  CertificateFiles cert_user = authority.issue("cert_user", {"cert_user"});
  CertificateFiles expired_user = authority.issue("expired", {"cert_user", {}, KeyKind::ec, true});
  CertificateFiles foreign_user = other_authority.issue("foreign", {"cert_user"});
};

// The set that this test program shares; made at first use, and never changed.
const Certificates& certificates();

}  // namespace remuda::test
