#include "macro/channel.h"

#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace remuda::bench {
namespace {

std::string newest_error() {
  const unsigned long code = ERR_peek_last_error();
  const char* text = code != 0 ? ERR_reason_error_string(code) : nullptr;
  ERR_clear_error();
  return text != nullptr ? text : "the connection was closed";
}

int int_size(size_t size) {
  return static_cast<int>(std::min<size_t>(size, INT_MAX));
}

}  // namespace

TlsSetup::TlsSetup() : context_(SSL_CTX_new(TLS_client_method())) {
  if (!context_) die("no TLS context");
  SSL_CTX_set_verify(raw(), SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_session_cache_mode(raw(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(raw(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
}

bool Channel::open(const Endpoint& endpoint) {
  fd_ = start_connect(endpoint);
  return fd_ >= 0;
}

void Channel::begin_tls(const TlsSetup& setup) {
  tls_.reset(SSL_new(setup.raw()));
  if (!tls_ || SSL_set_fd(tls_.get(), fd_) != 1) die("no TLS connection");
  SSL_set_connect_state(tls_.get());
}

Channel::Handshake Channel::handshake() {
  const int result = SSL_do_handshake(tls_.get());
  if (result == 1) return Handshake::done;
  const int error = SSL_get_error(tls_.get(), result);
  if (error == SSL_ERROR_WANT_READ) return Handshake::wants_read;
  if (error == SSL_ERROR_WANT_WRITE) return Handshake::wants_write;
  fault_ = newest_error();
  return Handshake::failed;
}

ssize_t Channel::receive(char* to, size_t size) {
  if (!tls_) return recv(fd_, to, size, 0);
  return result_of(SSL_read(tls_.get(), to, int_size(size)));
}

ssize_t Channel::send(std::string_view bytes) {
  if (!tls_) return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (bytes.empty()) return 0;
  return result_of(SSL_write(tls_.get(), bytes.data(), int_size(bytes.size())));
}

ssize_t Channel::result_of(int result) {
  if (result > 0) return result;
  const int error = SSL_get_error(tls_.get(), result);
  if (error == SSL_ERROR_ZERO_RETURN) return 0;
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
    errno = EAGAIN;
    return -1;
  }
  fault_ = newest_error();
  errno = EPROTO;
  return -1;
}

void Channel::shut_down() {
  if (tls_ && SSL_is_init_finished(tls_.get()) != 0) SSL_shutdown(tls_.get());
  ERR_clear_error();
}

void Channel::close() {
  tls_.reset();
  fault_.clear();
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

}  // namespace remuda::bench
