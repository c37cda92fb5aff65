#include "support/tls_end.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

namespace remuda::test {
namespace {

std::string reason() {
  const unsigned long code = ERR_peek_error();
  ERR_clear_error();
  const char* text = code ? ERR_reason_error_string(code) : nullptr;
  return text ? text : "no reason given";
}

void require_set(bool worked, const char* what) {
  if (!worked) throw TlsFailure(std::string("cannot set ") + what + ": " + reason());
}

// As ALPN lists them: each with its length in front.
std::string encoded(const std::vector<std::string>& protocols) {
  std::string list;
  for (const auto& protocol : protocols) list += static_cast<char>(protocol.size()) + protocol;
  return list;
}

const unsigned char* bytes_of(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

int select_protocol(SSL*, const unsigned char** chosen, unsigned char* size,
                    const unsigned char* offered, unsigned offered_size, void* ours) {
  const auto& list = *static_cast<std::string*>(ours);
  unsigned char* found = nullptr;
  const int result = SSL_select_next_proto(
      &found, size, bytes_of(list), static_cast<unsigned>(list.size()), offered, offered_size);
  *chosen = found;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

void use_certificate(SSL_CTX* context, const CertificateFiles& files) {
  if (files.cert.empty()) return;
  require_set(SSL_CTX_use_certificate_chain_file(context, files.cert.c_str()) == 1, "certificate");
  require_set(SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) == 1,
              "key");
}

void check_peer(SSL_CTX* context, const std::string& ca_file) {
  if (ca_file.empty()) return;
  require_set(SSL_CTX_load_verify_file(context, ca_file.c_str()) == 1, "authorities");
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

void limit(SSL_CTX* context, const TlsChoices& choices) {
  if (choices.version != 0) {
    SSL_CTX_set_min_proto_version(context, choices.version);
    SSL_CTX_set_max_proto_version(context, choices.version);
  }
  if (!choices.ciphers.empty())
    require_set(SSL_CTX_set_cipher_list(context, choices.ciphers.c_str()) == 1, "ciphers");
  if (!choices.suites.empty())
    require_set(SSL_CTX_set_ciphersuites(context, choices.suites.c_str()) == 1, "suites");
  if (!choices.groups.empty())
    require_set(SSL_CTX_set1_groups_list(context, choices.groups.c_str()) == 1, "groups");
}

}  // namespace

TlsEnd::TlsEnd(Role role, const TlsChoices& choices)
    : role_(role),
      context_(SSL_CTX_new(role == Role::client ? TLS_client_method() : TLS_server_method()),
               SSL_CTX_free),
      ssl_(nullptr, SSL_free),
      protocols_(encoded(choices.protocols)) {
  configure(choices);
  ssl_.reset(SSL_new(context_.get()));
  SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  if (role == Role::server) {
    SSL_set_accept_state(ssl_.get());
    return;
  }
  SSL_set_connect_state(ssl_.get());
  if (!choices.host.empty()) {
    SSL_set_tlsext_host_name(ssl_.get(), choices.host.c_str());
    SSL_set1_host(ssl_.get(), choices.host.c_str());
  }
  if (choices.resumed) require_set(SSL_set_session(ssl_.get(), choices.resumed) == 1, "session");
}

void TlsEnd::configure(const TlsChoices& choices) {
  SSL_CTX* context = context_.get();
  use_certificate(context, choices.certificate);
  check_peer(context, choices.ca_file);
  limit(context, choices);
  if (protocols_.empty()) return;
  if (role_ == Role::server) {
    SSL_CTX_set_alpn_select_cb(context, select_protocol, &protocols_);
  } else {
    SSL_CTX_set_alpn_protos(context, bytes_of(protocols_),
                            static_cast<unsigned>(protocols_.size()));
  }
}

void TlsEnd::feed(std::string_view arrived) {
  ERR_clear_error();
  if (!arrived.empty())
    BIO_write(SSL_get_rbio(ssl_.get()), arrived.data(), static_cast<int>(arrived.size()));
}

void TlsEnd::fail(int result) {
  const int error = SSL_get_error(ssl_.get(), result);
  throw TlsFailure(error == SSL_ERROR_SSL ? reason() : "TLS error " + std::to_string(error));
}

bool TlsEnd::handshake(std::string_view arrived) {
  feed(arrived);
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) return true;
  if (SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ) fail(result);
  return false;
}

std::string TlsEnd::take_output() {
  BIO* out = SSL_get_wbio(ssl_.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  std::string output(data, static_cast<size_t>(size));
  BIO_reset(out);
  return output;
}

std::string TlsEnd::seal(std::string_view clear, size_t record) {
  ERR_clear_error();
  for (; !clear.empty(); clear.remove_prefix(std::min(record, clear.size()))) {
    const auto piece = clear.substr(0, record);
    const int result = SSL_write(ssl_.get(), piece.data(), static_cast<int>(piece.size()));
    if (result <= 0) fail(result);
  }
  return take_output();
}

bool TlsEnd::open(std::string_view arrived, std::string& clear) {
  feed(arrived);
  char piece[16384];
  while (true) {
    const int result = SSL_read(ssl_.get(), piece, sizeof piece);
    if (result <= 0) {
      const int error = SSL_get_error(ssl_.get(), result);
      if (error == SSL_ERROR_WANT_READ) return true;
      if (error == SSL_ERROR_ZERO_RETURN) return false;
      fail(result);
    }
    clear.append(piece, static_cast<size_t>(result));
  }
}

std::string TlsEnd::key_update() {
  require_set(SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_REQUESTED) == 1, "keys");
  const int result = SSL_do_handshake(ssl_.get());
  if (result != 1) fail(result);
  return take_output();
}

std::string TlsEnd::renegotiate() {
  require_set(SSL_renegotiate(ssl_.get()) == 1, "a new handshake");
  SSL_do_handshake(ssl_.get());
  return take_output();
}

std::string TlsEnd::close_notify() {
  SSL_shutdown(ssl_.get());
  return take_output();
}

std::string TlsEnd::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return std::string(reinterpret_cast<const char*>(name), size);
}

std::string TlsEnd::requested_host() const {
  const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  return name ? name : "";
}

std::string TlsEnd::peer_name() const {
  X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (!certificate) return "";
  char name[256] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
  return name;
}

std::string TlsEnd::end_point_hash() const {
  X509* certificate = role_ == Role::client ? SSL_get0_peer_certificate(ssl_.get())
                                            : SSL_get_certificate(ssl_.get());
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (!certificate || X509_digest(certificate, EVP_sha256(), hash, &size) != 1)
    throw TlsFailure("the server has no certificate");
  return std::string(reinterpret_cast<const char*>(hash), size);
}

}  // namespace remuda::test
