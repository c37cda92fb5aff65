#include "support/channel.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace remuda::test {
namespace {

constexpr size_t kHeader = 5;

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

size_t body_size(std::string_view length) {
  uint32_t value = 0;
  for (const char c : length) value = value << 8 | static_cast<unsigned char>(c);
  if (value < 4) throw std::runtime_error("a message with a length below 4 arrived");
  return value - 4;
}

int connected(int family, const sockaddr* address, socklen_t length) {
  const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  if (connect(fd, address, length) != 0) {
    close(fd);
    fail("connect");
  }
  return fd;
}

std::string shown(const Message& message) {
  std::string text = std::string("'") + message.type + "'";
  if (message.type == 'E' || message.type == 'N') text += " " + notice_fields(message)['M'];
  return text;
}

}  // namespace

Channel::~Channel() {
  close();
}

int connect_tcp(int port, const std::string& host) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0)
    throw std::runtime_error("not an address: " + host);
  const int family = found->ai_family;
  sockaddr_storage address{};
  const socklen_t length = found->ai_addrlen;
  std::memcpy(&address, found->ai_addr, length);
  freeaddrinfo(found);
  return connected(family, reinterpret_cast<sockaddr*>(&address), length);
}

int connect_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return connected(AF_UNIX, reinterpret_cast<sockaddr*>(&address), sizeof address);
}

void Channel::send(std::string_view bytes) {
  if (!tls_) return send_raw(bytes);
  // By pieces, so that a hundred megabytes need not be kept twice.
  constexpr size_t kPiece = 1024 * 1024;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(kPiece, bytes.size())))
    send_raw(tls_->seal(bytes.substr(0, kPiece)));
}

void Channel::send_raw(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
      continue;
    }
    if (errno != EAGAIN) throw PeerClosed();
    pollfd entry{fd_, POLLOUT, 0};
    if (poll(&entry, 1, static_cast<int>(kPatience.count())) == 0)
      throw std::runtime_error("the peer does not read");
  }
}

void Channel::wait_readable() {
  pollfd entry{fd_, POLLIN, 0};
  if (poll(&entry, 1, static_cast<int>(kPatience.count())) == 0)
    throw std::runtime_error("nothing arrived in time");
}

std::string Channel::receive_raw() {
  wait_readable();
  char chunk[65536];
  const ssize_t count = recv(fd_, chunk, sizeof chunk, 0);
  return std::string(chunk, count > 0 ? static_cast<size_t>(count) : 0);
}

bool Channel::receive() {
  const size_t before = buffer_.size();
  // A record without data (a ticket, new keys) is no news to the caller.
  while (buffer_.size() == before) {
    const std::string arrived = receive_raw();
    if (arrived.empty()) return false;
    if (!tls_) {
      buffer_ += arrived;
    } else if (!tls_->open(arrived, buffer_)) {
      told_goodbye_ = true;
      return buffer_.size() > before;
    } else if (const std::string answer = tls_->take_output(); !answer.empty()) {
      send_raw(answer);
    }
  }
  return true;
}

void Channel::start_tls(TlsEnd::Role role, const TlsChoices& choices) {
  auto end = std::make_unique<TlsEnd>(role, choices);
  std::string arrived = std::exchange(buffer_, {});
  while (true) {
    bool done = false;
    try {
      done = end->handshake(arrived);
    } catch (const TlsFailure&) {
      send_raw(end->take_output());
      throw;
    }
    send_raw(end->take_output());
    if (done) break;
    arrived = receive_raw();
    if (arrived.empty()) throw PeerClosed();
  }
  tls_ = std::move(end);
  // Data may have come along with the end of the handshake.
  tls_->open({}, buffer_);
}

std::string Channel::read_bytes(size_t count) {
  while (buffer_.size() < count) {
    if (!receive()) throw PeerClosed();
  }
  std::string bytes = buffer_.substr(0, count);
  buffer_.erase(0, count);
  return bytes;
}

Message Channel::read() {
  const std::string header = read_bytes(kHeader);
  return {header[0], read_bytes(body_size(std::string_view(header).substr(1)))};
}

Message Channel::read_untyped() {
  return {0, read_bytes(body_size(read_bytes(4)))};
}

Message Channel::expect(char type) {
  Message message = read();
  if (message.type != type)
    throw std::runtime_error(std::string("expected '") + type + "', got " + shown(message));
  return message;
}

std::vector<Message> Channel::read_until(char type) {
  std::vector<Message> messages;
  do {
    messages.push_back(read());
  } while (messages.back().type != type);
  return messages;
}

std::vector<Message> Channel::read_to_end() {
  std::vector<Message> messages;
  while (!buffer_.empty() || receive()) messages.push_back(read());
  return messages;
}

std::string Channel::read_rest() {
  while (receive()) {
  }
  return std::exchange(buffer_, {});
}

bool Channel::silent(milliseconds time) {
  pollfd entry{fd_, POLLIN, 0};
  return buffer_.empty() && poll(&entry, 1, static_cast<int>(time.count())) == 0;
}

void Channel::shutdown_write() {
  shutdown(fd_, SHUT_WR);
}

void Channel::close() {
  std::lock_guard lock(closing_);
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void Channel::reset() {
  const linger abrupt{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt);
  close();
}

void Channel::interrupt() {
  std::lock_guard lock(closing_);
  if (fd_ >= 0) shutdown(fd_, SHUT_RDWR);
}

}  // namespace remuda::test
