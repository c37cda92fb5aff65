#include "support/certificates.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <stdexcept>

namespace remuda::test {
namespace {

constexpr long kDay = 24L * 60 * 60;

using Text = std::unique_ptr<BIO, decltype(&BIO_free)>;

void require(bool worked, const char* what) {
  if (!worked) throw std::runtime_error(std::string("cannot make a certificate: ") + what);
}

EVP_PKEY* make_key(KeyKind kind) {
  EVP_PKEY* key = nullptr;
  if (kind == KeyKind::ec) key = EVP_EC_gen("P-256");
  if (kind == KeyKind::rsa) key = EVP_RSA_gen(2048);
  if (kind == KeyKind::ed25519) key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  require(key != nullptr, "key");
  return key;
}

void add_extension(X509* certificate, int nid, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  require(extension != nullptr, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

void set_name(X509* certificate, const std::string& common_name) {
  X509_NAME* name = X509_get_subject_name(certificate);
  if (common_name.empty()) return;
  const auto* text = reinterpret_cast<const unsigned char*>(common_name.data());
  // With its size: hostile names hold a zero byte.
  const int size = static_cast<int>(common_name.size());
  require(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, size, -1, 0) == 1, "name");
}

// Number, dates, name and key; neither issuer nor signature.
X509* make_certificate(EVP_PKEY* key, const std::string& common_name, bool expired) {
  static long serial = 1000;
  X509* certificate = X509_new();
  require(certificate != nullptr, "certificate");
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -30 * kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate), expired ? -kDay : 30 * kDay);
  set_name(certificate, common_name);
  X509_set_pubkey(certificate, key);
  return certificate;
}

// The digest that goes with the signer's key: Ed25519 has none.
const EVP_MD* digest_of(EVP_PKEY* key) {
  return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
}

std::string content_of(BIO* text) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(text, &data);
  return std::string(data, static_cast<size_t>(size));
}

std::string pem_of(X509* certificate) {
  const Text text(BIO_new(BIO_s_mem()), BIO_free);
  require(PEM_write_bio_X509(text.get(), certificate) == 1, "file");
  return content_of(text.get());
}

std::string pem_of(EVP_PKEY* key, const std::string& passphrase) {
  const Text text(BIO_new(BIO_s_mem()), BIO_free);
  const auto* word = reinterpret_cast<const unsigned char*>(passphrase.c_str());
  const int size = static_cast<int>(passphrase.size());
  const EVP_CIPHER* cipher = size > 0 ? EVP_aes_256_cbc() : nullptr;
  require(PEM_write_bio_PrivateKey(text.get(), key, cipher, size > 0 ? word : nullptr, size,
                                   nullptr, nullptr) == 1,
          "key file");
  return content_of(text.get());
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : ",") + part;
  return text;
}

}  // namespace

Authority::Authority(std::string directory, const std::string& name, KeyKind kind)
    : directory_(std::move(directory)),
      file_(directory_ + "/" + name + ".crt"),
      key_(make_key(kind), EVP_PKEY_free),
      certificate_(make_certificate(key_.get(), name, false), X509_free) {
  X509_set_issuer_name(certificate_.get(), X509_get_subject_name(certificate_.get()));
  add_extension(certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate_.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  require(X509_sign(certificate_.get(), key_.get(), digest_of(key_.get())) > 0, "signature");
  write_file(file_, pem_of(certificate_.get()));
}

CertificateFiles Authority::issue(const std::string& stem,
                                  const CertificateRequest& request) const {
  const Key key(make_key(request.key), EVP_PKEY_free);
  const Certificate made(make_certificate(key.get(), request.common_name, request.expired),
                         X509_free);
  X509_set_issuer_name(made.get(), X509_get_subject_name(certificate_.get()));
  if (!request.alt_names.empty())
    add_extension(made.get(), NID_subject_alt_name, joined(request.alt_names));
  require(X509_sign(made.get(), key_.get(), digest_of(key_.get())) > 0, "signature");
  const CertificateFiles files{directory_ + "/" + stem + ".crt", directory_ + "/" + stem + ".key"};
  write_file(files.cert, pem_of(made.get()));
  write_file(files.key, pem_of(key.get(), request.passphrase));
  return files;
}

const Certificates& certificates() {
  static const Certificates shared;
  return shared;
}

}  // namespace remuda::test
