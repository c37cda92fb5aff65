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
// New keys cost far more than the bytes that ask for them. Who needs them so often in one read?
constexpr int kMostKeyUpdates = 32;

// Whole size of the record that begins here; 0 while that cannot be told. What cannot be a record
// is given out as it is, for OpenSSL to refuse.
size_t record_size(std::string_view bytes) noexcept {
  const auto byte = [bytes](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (bytes.empty()) return 0;
  const bool has_type =
      byte(0) >= SSL3_RT_CHANGE_CIPHER_SPEC && byte(0) <= SSL3_RT_APPLICATION_DATA;
  if (!has_type || (bytes.size() > 1 && byte(1) != SSL3_VERSION_MAJOR)) return bytes.size();
  if (bytes.size() < kRecordHeader) return 0;
  const size_t size = static_cast<size_t>(byte(3)) << 8 | byte(4);
  return size > kLongestRecord ? bytes.size() : kRecordHeader + size;
}

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

// ---- Bytes in and out

int TlsSession::bio_read(BIO* bio, char* data, int size) {
  auto* session = static_cast<TlsSession*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const size_t wanted = static_cast<size_t>(size);
  if (session->key_updates_ > kMostKeyUpdates) return -1;
  if (session->ready_ > 0) {
    const size_t n = std::min(wanted, session->ready_);
    std::memcpy(data, session->input_.data(), n);
    session->input_.erase(0, n);
    session->ready_ -= n;
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

void TlsSession::on_message(int is_ours, int, int type, const void* data, size_t size, SSL*,
                            void* session) {
  if (is_ours != 0 || type != SSL3_RT_HANDSHAKE || size == 0) return;
  const auto kind = *static_cast<const unsigned char*>(data);
  if (kind == SSL3_MT_KEY_UPDATE) ++static_cast<TlsSession*>(session)->key_updates_;
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
  SSL_set_msg_callback(ssl_.get(), on_message);
  SSL_set_msg_callback_arg(ssl_.get(), this);
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
  const int set =
      numeric ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), target.host.c_str())
              : SSL_set1_host(ssl_.get(), target.host.c_str());
  // A host that cannot be checked must not pass.
  if (set != 1 || target.host.empty()) throw TlsError("the host name cannot be checked");
}

TlsSession::~TlsSession() = default;

// ---- Handshake

bool TlsSession::can_step() const noexcept {
  const size_t size = record_size(input_);
  return size > 0 && input_.size() >= size;
}

// OpenSSL is given no part of a record: can_step() would then look for headers in its middle.
size_t TlsSession::whole_records() const noexcept {
  size_t sum = 0;
  while (sum < input_.size()) {
    const size_t size = record_size(std::string_view(input_).substr(sum));
    if (size == 0 || size > input_.size() - sum) break;
    sum += size;
  }
  return sum;
}

bool TlsSession::protocol_is_confirmed() const noexcept {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return size == 10 && std::memcmp(name, "postgresql", 10) == 0;
}

void TlsSession::give_up(const char* why) {
  failed_ = true;
  if (fault_.empty()) fault_ = why;
}

TlsSession::Step TlsSession::fail_handshake() {
  const bool is_about_peer = ERR_GET_REASON(ERR_peek_error()) == SSL_R_CERTIFICATE_VERIFY_FAILED;
  fault_ = tls_error_text();
  if (is_about_peer) {
    const long verified = SSL_get_verify_result(ssl_.get());
    fault_ += std::string(": ") + X509_verify_cert_error_string(verified);
  }
  give_up("connection closed");
  return Step::failed;
}

// What OpenSSL lets pass and we do not.
const char* TlsSession::objection() const noexcept {
  if (is_direct_ && !protocol_is_confirmed()) {
    return "the server does not confirm the protocol \"postgresql\"";
  }
  // Among the ciphers may be some without any.
  const bool must_show = (SSL_get_verify_mode(ssl_.get()) & SSL_VERIFY_FAIL_IF_NO_PEER_CERT) != 0;
  if (must_show && SSL_get0_peer_certificate(ssl_.get()) == nullptr) {
    return "the peer has no certificate";
  }
  return nullptr;
}

TlsSession::Step TlsSession::handshake() {
  ready_ = whole_records();
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    const char* objection = this->objection();
    if (objection == nullptr) return Step::done;
    give_up(objection);
    return Step::failed;
  }
  if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) return Step::wants_input;
  return fail_handshake();
}

// ---- Data

TlsSession::Opened TlsSession::open(std::string_view in, char* out, size_t capacity, size_t& n,
                                    SealedBytes& sealed) noexcept {
  if (failed_) return Opened::failed;
  lent_ = in;
  ready_ = input_.size();
  key_updates_ = 0;
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
    outcome = error == SSL_ERROR_ZERO_RETURN ? Opened::ended : Opened::failed;
    break;
  }
  sealed_ = nullptr;
  if (outcome == Opened::failed) {
    fault_ = tls_error_text();
    give_up(key_updates_ > kMostKeyUpdates ? "too many new keys" : "connection is broken");
  }
  // Nothing counts behind an end; and what is idle keeps no buffer.
  if (outcome == Opened::more) input_.append(lent_);
  if (outcome != Opened::more || input_.empty()) std::string().swap(input_);
  lent_ = {};
  return outcome;
}

bool TlsSession::seal(const char* data, size_t size, SealedBytes& sealed) noexcept {
  if (failed_ || size == 0) return !failed_;
  sealed_ = &sealed;
  ERR_clear_error();
  size_t written = 0;
  const int result = SSL_write_ex(ssl_.get(), data, size, &written);
  sealed_ = nullptr;
  if (result == 1 && written == size) return true;
  fault_ = tls_error_text();
  give_up("connection is broken");
  return false;
}

void TlsSession::finish(SealedBytes& sealed) noexcept {
  if (failed_ || !SSL_is_init_finished(ssl_.get())) return;
  sealed_ = &sealed;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  sealed_ = nullptr;
}

// ---- The peer

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
  SSL_get_tmp_key(ssl_.get(), &key);
  const bool is_dh = key != nullptr && EVP_PKEY_is_a(key, "DH") == 1;
  if (is_dh) text += "/DH=" + std::to_string(EVP_PKEY_get_bits(key));
  EVP_PKEY_free(key);
  // Up to TLS 1.2 a server has forgotten the key, but not its group.
  const char* group = OBJ_nid2sn(static_cast<int>(SSL_get_negotiated_group(ssl_.get())));
  if (!is_dh && group != nullptr && std::strcmp(group, "UNDEF") != 0) {
    text += std::string("/ECDH=") + group;
  }
  ERR_clear_error();
  return text;
}

}  // namespace remuda::io
