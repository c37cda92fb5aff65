#include "io/tls_session.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "remuda/base/error.h"

namespace remuda::io {
namespace {

constexpr size_t kRecordHeader = 5;
constexpr size_t kLongestRecord = 16 * 1024 + 2048;

bool is_numeric(const std::string& host) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

// A name with a zero byte inside would be read differently by others: it is no name.
void add_name(std::vector<std::string>& names, const ASN1_STRING* text) {
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, text);
  if (size < 0) return;
  std::string name(reinterpret_cast<char*>(utf8), static_cast<size_t>(size));
  OPENSSL_free(utf8);
  if (!name.empty() && name.find('\0') == name.npos) names.push_back(std::move(name));
}

void add_dns_names(std::vector<std::string>& names, X509* certificate) {
  auto* all = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  if (all == nullptr) return;
  for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all, i);
    if (name->type == GEN_DNS) add_name(names, name->d.dNSName);
  }
  GENERAL_NAMES_free(all);
}

void add_common_name(std::vector<std::string>& names, X509* certificate) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0) add_name(names, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

}  // namespace

// ---- Bytes in and out ----------------------------------------------------------------------------

int TlsSession::bio_read(BIO* bio, char* data, int size) {
  auto* session = static_cast<TlsSession*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const size_t wanted = static_cast<size_t>(size);
  if (!session->input_.empty()) {
    const size_t n = std::min(wanted, session->input_.size());
    std::memcpy(data, session->input_.data(), n);
    session->input_.erase(0, n);
    return static_cast<int>(n);
  }
  if (session->lent_.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const size_t n = std::min(wanted, session->lent_.size());
  std::memcpy(data, session->lent_.data(), n);
  session->lent_.remove_prefix(n);
  return static_cast<int>(n);
}

int TlsSession::bio_write(BIO* bio, const char* data, int size) {
  auto* session = static_cast<TlsSession*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const size_t n = static_cast<size_t>(size);
  SealedBytes* sealed = session->sealed_;
  if (sealed == nullptr) {
    session->output_.append(data, n);
    return size;
  }
  // Answers to a peer that asks for more than a buffer of them in one read are not worth keeping.
  if (sealed->capacity - sealed->size < n) return -1;
  std::memcpy(sealed->data + sealed->size, data, n);
  sealed->size += n;
  return size;
}

long TlsSession::bio_control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP ? 1 : 0;
}

BIO_METHOD* TlsSession::bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "remuda");
    REMUDA_CHECK(made != nullptr);
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

void TlsSession::attach() {
  REMUDA_CHECK(ssl_ != nullptr);
  BIO* bio = BIO_new(bio_method());
  REMUDA_CHECK(bio != nullptr);
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
}

TlsSession::TlsSession(std::shared_ptr<const TlsContext> context)
    : context_(std::move(context)), ssl_(SSL_new(context_->raw())) {
  attach();
  SSL_set_accept_state(ssl_.get());
}

TlsSession::TlsSession(std::shared_ptr<const TlsContext> context, const TlsTarget& target)
    : context_(std::move(context)), ssl_(SSL_new(context_->raw())), is_direct_(target.is_direct) {
  attach();
  SSL_set_connect_state(ssl_.get());
  const bool numeric = is_numeric(target.host);
  if (!numeric && !target.host.empty()) SSL_set_tlsext_host_name(ssl_.get(), target.host.c_str());
  if (!target.check_host) return;
  SSL_set_hostflags(ssl_.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const int set = numeric ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()),
                                                          target.host.c_str())
                          : SSL_set1_host(ssl_.get(), target.host.c_str());
  // A host that cannot be checked must not pass.
  if (set != 1 || target.host.empty()) throw TlsError("the host name cannot be checked");
}

TlsSession::~TlsSession() = default;

// ---- Handshake -------------------------------------------------------------------------------------

bool TlsSession::can_step() const noexcept {
  if (input_.size() < kRecordHeader) return false;
  const auto byte = [this](size_t i) { return static_cast<unsigned char>(input_[i]); };
  const size_t size = static_cast<size_t>(byte(3)) << 8 | byte(4);
  return size > kLongestRecord || input_.size() >= kRecordHeader + size;
}

bool TlsSession::protocol_is_confirmed() const noexcept {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return size == 10 && std::memcmp(name, "postgresql", 10) == 0;
}

TlsSession::Step TlsSession::fail_handshake() {
  failed_ = true;
  const long verified = SSL_get_verify_result(ssl_.get());
  fault_ = tls_error_text();
  if (verified != X509_V_OK) fault_ += std::string(": ") + X509_verify_cert_error_string(verified);
  if (fault_.empty()) fault_ = "connection closed";
  return Step::failed;
}

TlsSession::Step TlsSession::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    if (!is_direct_ || protocol_is_confirmed()) return Step::done;
    failed_ = true;
    fault_ = "the server does not confirm the protocol \"postgresql\"";
    return Step::failed;
  }
  if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) return Step::wants_input;
  return fail_handshake();
}

// ---- Data --------------------------------------------------------------------------------------------

TlsSession::Opened TlsSession::open(std::string_view in, char* out, size_t capacity, size_t& n,
                                    SealedBytes& sealed) noexcept {
  if (failed_) return Opened::failed;
  lent_ = in;
  sealed_ = &sealed;
  Opened outcome = Opened::more;
  ERR_clear_error();
  while (n < capacity) {
    size_t got = 0;
    const int result = SSL_read_ex(ssl_.get(), out + n, capacity - n, &got);
    n += got;
    if (result == 1) continue;
    const int error = SSL_get_error(ssl_.get(), result);
    if (error == SSL_ERROR_WANT_READ) break;
    failed_ = error != SSL_ERROR_ZERO_RETURN;
    outcome = failed_ ? Opened::failed : Opened::ended;
    break;
  }
  input_.append(lent_);
  lent_ = {};
  sealed_ = nullptr;
  return outcome;
}

bool TlsSession::seal(const char* data, size_t size, SealedBytes& sealed) noexcept {
  if (failed_ || size == 0) return !failed_;
  sealed_ = &sealed;
  ERR_clear_error();
  size_t written = 0;
  const int result = SSL_write_ex(ssl_.get(), data, size, &written);
  sealed_ = nullptr;
  failed_ = result != 1 || written != size;
  return !failed_;
}

void TlsSession::finish(SealedBytes& sealed) noexcept {
  if (failed_ || !SSL_is_init_finished(ssl_.get())) return;
  sealed_ = &sealed;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  sealed_ = nullptr;
}

// ---- The peer ----------------------------------------------------------------------------------------

bool TlsSession::has_peer_certificate() const noexcept {
  return SSL_get0_peer_certificate(ssl_.get()) != nullptr &&
         SSL_get_verify_result(ssl_.get()) == X509_V_OK;
}

std::vector<std::string> TlsSession::peer_names() const {
  std::vector<std::string> names;
  X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr || SSL_get_verify_result(ssl_.get()) != X509_V_OK) return names;
  add_dns_names(names, certificate);
  add_common_name(names, certificate);
  return names;
}

std::string TlsSession::channel_binding() const {
  if (context_->is_accepting()) return context_->end_point_hash();
  X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  return certificate == nullptr ? "" : end_point_hash(certificate);
}

std::string TlsSession::description() const {
  std::string text = SSL_get_version(ssl_.get());
  text += '/';
  text += SSL_get_cipher_name(ssl_.get());
  EVP_PKEY* key = nullptr;
  if (SSL_get_tmp_key(ssl_.get(), &key) != 1 || key == nullptr) return text;
  if (EVP_PKEY_is_a(key, "DH")) {
    text += "/DH=" + std::to_string(EVP_PKEY_get_bits(key));
  } else {
    char group[80] = "";
    size_t size = 0;
    if (EVP_PKEY_get_group_name(key, group, sizeof group, &size) != 1) {
      std::strncpy(group, EVP_PKEY_get0_type_name(key), sizeof group - 1);
    }
    text += std::string("/ECDH=") + group;
  }
  EVP_PKEY_free(key);
  return text;
}

}  // namespace remuda::io
