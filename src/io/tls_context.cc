#include "io/tls_context.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "remuda/base/error.h"
#include "remuda/base/text.h"

namespace remuda::io {
namespace {

constexpr unsigned char kProtocolName[] = "\x0apostgresql";
constexpr size_t kProtocolNameSize = sizeof kProtocolName - 1;

[[noreturn]] void fail(const std::string& what) {
  const std::string why = tls_error_text();
  throw PgError(why.empty() ? what : what + ": " + why);
}

// A file that cannot even be read is named with the system's own words.
void require_readable(const char* what, const std::string& file) {
  FILE* opened = std::fopen(file.c_str(), "re");
  if (opened == nullptr) {
    throw PgError(std::string(what) + " " + file + ": " + std::strerror(errno));
  }
  std::fclose(opened);
}

struct Version {
  const char* name;
  unsigned bits;
};
enum : unsigned { kTls10 = 1, kTls11 = 2, kTls12 = 4, kTls13 = 8 };
constexpr Version kVersions[] = {
    {"tlsv1.0", kTls10},
    {"tlsv1.1", kTls11},
    {"tlsv1.2", kTls12},
    {"tlsv1.3", kTls13},
    {"tlsv1", 15},
    {"all", 15},
    {"secure", kTls12 | kTls13},
    {"default", kTls12 | kTls13},
};

unsigned version_bits(const std::string& word) {
  for (const Version& version : kVersions) {
    if (same_word(version.name, word)) return version.bits;
  }
  throw PgError("TLS protocol \"" + word +
                "\" is unknown (allowed: tlsv1.0, tlsv1.1, tlsv1.2, tlsv1.3, all, secure, and ! in "
                "front to exclude)");
}

// Words separated by commas or colons; `!word` takes away.
unsigned parse_protocols(const std::string& list) {
  unsigned bits = 0;
  size_t at = 0;
  while (at <= list.size()) {
    const bool is_first = at == 0;
    const size_t end = std::min(list.find_first_of(",:", at), list.size());
    std::string word = list.substr(at, end - at);
    at = end + 1;
    while (!word.empty() && word.front() == ' ') word.erase(0, 1);
    while (!word.empty() && word.back() == ' ') word.pop_back();
    const bool exclude = !word.empty() && word.front() == '!';
    if (exclude) word.erase(0, 1);
    // A list that begins by taking away takes away from everything.
    if (exclude && is_first) bits = version_bits("all");
    bits = exclude ? bits & ~version_bits(word) : bits | version_bits(word);
  }
  if (bits == 0) throw PgError("no TLS protocol is left of \"" + list + "\"");
  return bits;
}

bool is_left_to_openssl(const std::string& ciphers) {
  for (const char* word : {"", "default", "secure", "normal", "fast"}) {
    if (same_word(ciphers, word)) return true;
  }
  return false;
}

// Asking for a passphrase on the terminal would stop the process.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

// A client that names protocols must name ours (PostgreSQL 17); one that names none is welcome.
int select_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* in, unsigned in_size, void*) {
  unsigned char* selected = nullptr;
  if (SSL_select_next_proto(&selected, out_size, kProtocolName, kProtocolNameSize, in, in_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

std::string tls_error_text() {
  const unsigned long code = ERR_peek_error();
  ERR_clear_error();
  if (code == 0) return "";
  const char* reason = ERR_reason_error_string(code);
  if (reason != nullptr) return reason;
  char text[120];
  ERR_error_string_n(code, text, sizeof text);
  return text;
}

std::string end_point_hash(X509* certificate) {
  int digest_nid = NID_undef;
  if (X509_get_signature_info(certificate, &digest_nid, nullptr, nullptr, nullptr) != 1) return "";
  if (digest_nid == NID_undef) return "";
  // RFC 5929: what is too weak is replaced.
  const bool is_weak = digest_nid == NID_md5 || digest_nid == NID_sha1;
  const EVP_MD* digest = is_weak ? EVP_sha256() : EVP_get_digestbynid(digest_nid);
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (digest == nullptr || X509_digest(certificate, digest, hash, &size) != 1) return "";
  return std::string(reinterpret_cast<const char*>(hash), size);
}

std::shared_ptr<const TlsContext> TlsContext::for_accepting(const TlsOptions& options) {
  return std::shared_ptr<const TlsContext>(new TlsContext(options, true));
}

std::shared_ptr<const TlsContext> TlsContext::for_connecting(const TlsOptions& options) {
  return std::shared_ptr<const TlsContext>(new TlsContext(options, false));
}

TlsContext::TlsContext(const TlsOptions& options, bool is_accepting)
    : context_(SSL_CTX_new(is_accepting ? TLS_server_method() : TLS_client_method())),
      is_accepting_(is_accepting) {
  ERR_clear_error();
  if (!context_) fail("TLS cannot be set up");
  set_limits();
  set_protocols(options.protocols);
  set_ciphers(options);
  set_key_exchange(options);
  load_certificate(options);
  load_authorities(options);
  set_application_protocol();
}

void TlsContext::set_limits() {
  SSL_CTX* context = raw();
  SSL_CTX_set_options(
      context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // An idle connection keeps no buffers.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // What is sent along is what the certificate's file has: else OpenSSL searches the authorities
  // for the rest, at every handshake, on disk.
  SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
  // Resumption is by tickets: they cost no memory here, and end with this context's keys.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 1);
  const unsigned char name[] = "remuda";
  SSL_CTX_set_session_id_context(context, name, sizeof name - 1);
}

void TlsContext::set_protocols(const std::string& list) {
  const unsigned bits = parse_protocols(list);
  // Whatever the system's configuration of OpenSSL says.
  SSL_CTX_set_min_proto_version(raw(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(raw(), 0);
  uint64_t refused = 0;
  if (!(bits & kTls10)) refused |= SSL_OP_NO_TLSv1;
  if (!(bits & kTls11)) refused |= SSL_OP_NO_TLSv1_1;
  if (!(bits & kTls12)) refused |= SSL_OP_NO_TLSv1_2;
  if (!(bits & kTls13)) refused |= SSL_OP_NO_TLSv1_3;
  SSL_CTX_set_options(raw(), refused);
}

void TlsContext::set_ciphers(const TlsOptions& options) {
  if (!is_left_to_openssl(options.ciphers) &&
      SSL_CTX_set_cipher_list(raw(), options.ciphers.c_str()) != 1) {
    fail("failed to set the ciphers \"" + options.ciphers + "\"");
  }
  if (!options.tls13_ciphers.empty() &&
      SSL_CTX_set_ciphersuites(raw(), options.tls13_ciphers.c_str()) != 1) {
    fail("failed to set the TLSv1.3 cipher suites \"" + options.tls13_ciphers + "\"");
  }
}

void TlsContext::set_key_exchange(const TlsOptions& options) {
  if (!same_word(options.dheparams, "auto") && !same_word(options.dheparams, "none")) {
    throw PgError("TLS dheparams \"" + options.dheparams + "\" is unknown (allowed: auto, none)");
  }
  SSL_CTX_set_dh_auto(raw(), same_word(options.dheparams, "auto") ? 1 : 0);
  const bool is_default =
      options.curve.empty() || same_word(options.curve, "auto") || same_word(options.curve, "none");
  if (!is_default && SSL_CTX_set1_groups_list(raw(), options.curve.c_str()) != 1) {
    ERR_clear_error();
    throw PgError("TLS curve \"" + options.curve + "\" is unknown");
  }
}

void TlsContext::load_certificate(const TlsOptions& options) {
  if (options.cert_file.empty() && options.key_file.empty()) {
    if (is_accepting_) throw PgError("TLS needs a certificate file and a key file");
    return;
  }
  if (options.cert_file.empty()) throw PgError("TLS key file without a certificate file");
  if (options.key_file.empty()) throw PgError("TLS certificate file without a key file");
  require_readable("TLS certificate file", options.cert_file);
  if (SSL_CTX_use_certificate_chain_file(raw(), options.cert_file.c_str()) != 1) {
    fail("TLS certificate file " + options.cert_file);
  }
  require_readable("TLS key file", options.key_file);
  if (SSL_CTX_use_PrivateKey_file(raw(), options.key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(raw()) != 1) {
    fail("TLS key file " + options.key_file);
  }
  end_point_hash_ = io::end_point_hash(SSL_CTX_get0_certificate(raw()));
}

void TlsContext::load_authorities(const TlsOptions& options) {
  int mode = SSL_VERIFY_NONE;
  if (options.peer_check != PeerCheck::none) mode = SSL_VERIFY_PEER;
  if (options.peer_check == PeerCheck::required) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_CTX_set_verify(raw(), mode, nullptr);
  if (options.ca_file.empty()) {
    if (options.peer_check == PeerCheck::none) return;
    SSL_CTX_set_default_verify_paths(raw());
    ERR_clear_error();  // a system without authorities is no fault
    return;
  }
  require_readable("TLS CA file", options.ca_file);
  if (SSL_CTX_load_verify_file(raw(), options.ca_file.c_str()) != 1) {
    fail("TLS CA file " + options.ca_file);
  }
  // A client picks its certificate by these names.
  if (is_accepting_)
    SSL_CTX_set_client_CA_list(raw(), SSL_load_client_CA_file(options.ca_file.c_str()));
}

void TlsContext::set_application_protocol() {
  if (is_accepting_) {
    SSL_CTX_set_alpn_select_cb(raw(), select_protocol, nullptr);
  } else {
    // Returns 0 for success, unlike its neighbours.
    REMUDA_CHECK(SSL_CTX_set_alpn_protos(raw(), kProtocolName, kProtocolNameSize) == 0);
  }
}

}  // namespace remuda::io
