#include "io/listener.h"

#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "io/discard_input.h"
#include "io/guard.h"
#include "io/loop.h"
#include "io/uv_ptr.h"
#include "remuda/base/error.h"
#include "remuda/base/log.h"
#include "remuda/base/text.h"

namespace remuda::io {
namespace {

SystemError cannot_listen(const Address& address, const char* call) {
  const int error = errno;
  return SystemError(error, "cannot listen on " + address.text() + ": " + call + "()");
}

void set_option(const Address& address, int fd, int level, int option, int value) {
  if (::setsockopt(fd, level, option, &value, sizeof value) != 0) {
    throw cannot_listen(address, "setsockopt");
  }
}

bool has_file(const Address& address) {
  return address.is_unix() && address.path().starts_with('/');
}

// What a connection to the address meets: 0 or an errno value.
int probe(const Address& address) {
  const FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) throw cannot_listen(address, "socket");
  return ::connect(fd.get(), address.raw(), address.length()) == 0 ? 0 : errno;
}

// The socket file of a process that is gone refuses connections. Any other file is left alone, and
// bind() then fails.
void remove_stale(const Address& address) {
  struct stat found {};
  const std::string path = address.path();
  if (::lstat(path.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) return;
  if (probe(address) == ECONNREFUSED) ::unlink(path.c_str());
}

gid_t group_id(const Address& address, const std::string& group) {
  if (const auto id = parse_number<gid_t>(group)) return *id;
  errno = 0;
  const struct group* found = ::getgrnam(group.c_str());
  if (found != nullptr) return found->gr_gid;
  if (errno == 0) errno = ENOENT;
  throw cannot_listen(address, "getgrnam");
}

void set_tcp_options(const Address& address, int fd, const ListenOptions& options) {
  set_option(address, fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (options.reuse_port) set_option(address, fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (address.family() == AF_INET6) set_option(address, fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (options.defer_accept) set_option(address, fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
  apply(options.tcp, fd);
}

void set_file_access(const Address& address, const ListenOptions& options) {
  const std::string path = address.path();
  if (!options.unix_group.empty() &&
      ::chown(path.c_str(), static_cast<uid_t>(-1), group_id(address, options.unix_group)) != 0) {
    throw cannot_listen(address, "chown");
  }
  if (::chmod(path.c_str(), options.unix_mode) != 0) throw cannot_listen(address, "chmod");
}

// Errors of one connection, not of the listener: the next one may be well.
bool concerns_one_connection(int error) {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPERM:
    case EPROTO:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
      return true;
    default:
      return false;
  }
}

FileDescriptor open_reserve() {
  return FileDescriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

}  // namespace

void check_unix_socket(const Address& address) {
  if (!has_file(address)) return;
  const std::string path = address.path();
  struct stat found {};
  if (::lstat((path + ".lock").c_str(), &found) == 0) {
    throw SocketInUse("unix port " + path.substr(path.rfind('.') + 1) + " is in use");
  }
  const int error = probe(address);
  if (error == 0 || error == EAGAIN) {
    throw SocketInUse("unix socket is in use, cannot continue");
  }
}

// Shared with the poll callback while it runs, as the callback may destroy the listener.
struct Listener::State : std::enable_shared_from_this<Listener::State> {
  State(Loop& its_loop, ListenOptions its_options, OnConnection on_connection)
      : loop(its_loop),
        options(std::move(its_options)),
        accepted(std::move(on_connection)),
        retry(its_loop) {}

  void open(const Address& wanted);
  void adopt(FileDescriptor listening);
  void poll_on();
  void poll_off() noexcept;
  void on_readable();
  // `accepted` stands for connections that came to nothing, too: the next may be well.
  enum class Outcome : uint8_t { accepted, turned_away, none, failed };
  Outcome accept_one();
  Outcome use_reserve();
  void turn_away(FileDescriptor fd) noexcept;
  void rest();
  void close() noexcept;

  Loop& loop;
  ListenOptions options;
  OnConnection accepted;
  Address address;
  FileDescriptor socket;
  FileDescriptor reserve;
  UvPtr<uv_poll_t> poll;
  Timer retry;
  int why = 0;          // it last lacked descriptors, or memory
  int turned_away = 0;  // not yet told in the log
  Micros logged = -kLogPeriod;
  bool paused = false;
  bool owns_file = false;
  struct stat file {};
};

void Listener::State::open(const Address& wanted) {
  address = wanted;
  if (has_file(wanted)) {
    check_unix_socket(wanted);
    remove_stale(wanted);
  }
  socket = FileDescriptor(::socket(wanted.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) throw cannot_listen(wanted, "socket");
  if (wanted.is_inet()) set_tcp_options(wanted, socket.get(), options);
  if (::bind(socket.get(), wanted.raw(), wanted.length()) != 0) {
    throw cannot_listen(wanted, "bind");
  }
  if (has_file(wanted)) {
    owns_file = ::lstat(wanted.path().c_str(), &file) == 0;
    set_file_access(wanted, options);
  }
  if (::listen(socket.get(), options.backlog) != 0) throw cannot_listen(wanted, "listen");
}

void Listener::State::adopt(FileDescriptor listening) {
  socket = std::move(listening);
  int accepts = 0;
  socklen_t size = sizeof accepts;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) != 0) {
    throw SystemError(errno, "getsockopt(SO_ACCEPTCONN)");
  }
  if (accepts == 0) throw SystemError(EINVAL, "descriptor is not a listening socket");
  apply(options.tcp, socket.get());
  ::fcntl(socket.get(), F_SETFD, FD_CLOEXEC);
  ::fcntl(socket.get(), F_SETFL, ::fcntl(socket.get(), F_GETFL) | O_NONBLOCK);
}

void Listener::State::poll_on() {
  if (!poll) {
    poll = make_uv<uv_poll_t>("uv_poll_init()", [this](uv_poll_t* uv) {
      return uv_poll_init(loop.raw(), uv, socket.get());
    });
    poll->data = this;
  }
  uv_poll_start(poll.get(), UV_READABLE, [](uv_poll_t* uv, int, int) {
    guarded([uv] {
      const auto state = static_cast<State*>(uv->data)->shared_from_this();
      state->on_readable();
    });
  });
}

void Listener::State::poll_off() noexcept {
  if (poll) uv_poll_stop(poll.get());
}

void Listener::State::on_readable() {
  if (!reserve) reserve = open_reserve();
  Outcome outcome = Outcome::accepted;
  bool short_of = false;
  for (int i = 0; i < kBatch && outcome != Outcome::none; ++i) {
    if (!socket || paused) break;
    outcome = accept_one();
    short_of = short_of || outcome == Outcome::turned_away || outcome == Outcome::failed;
    if (outcome == Outcome::failed) break;
  }
  if (short_of && socket) rest();
}

Listener::State::Outcome Listener::State::accept_one() {
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  FileDescriptor fd(::accept4(socket.get(), reinterpret_cast<sockaddr*>(&peer), &length,
                              SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd) {
    if (concerns_one_connection(errno)) return Outcome::accepted;
    if (errno == EAGAIN) return Outcome::none;
    why = errno;
    return is_out_of_descriptors(why) ? use_reserve() : Outcome::failed;
  }
  if (fd.get() >= options.highest_fd) {
    why = EMFILE;
    turn_away(std::move(fd));
    return Outcome::turned_away;
  }
  accepted(std::move(fd), Address(reinterpret_cast<const sockaddr*>(&peer), length));
  return Outcome::accepted;
}

// The reserve makes room to tell one client why, instead of letting it wait for nobody knows what.
Listener::State::Outcome Listener::State::use_reserve() {
  if (!reserve) return Outcome::failed;
  reserve.close();
  FileDescriptor fd(::accept4(socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  const bool is_told = static_cast<bool>(fd);
  if (is_told) turn_away(std::move(fd));
  reserve = open_reserve();  // another thread may have been quicker: then at the next wake-up
  return is_told ? Outcome::turned_away : Outcome::failed;
}

void Listener::State::turn_away(FileDescriptor fd) noexcept {
  ++turned_away;
  const std::string& text = options.refusal;
  ::send(fd.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  ::shutdown(fd.get(), SHUT_WR);
  discard_input(fd.get());
}

// The kernel would report the waiting connections again at once: polling stops for a while.
void Listener::State::rest() {
  const Micros now = loop.now();
  if (now - logged >= kLogPeriod) {
    logged = now;
    log::warning("accept() failed on {}: {}; connections turned away: {}", address.text(),
                 std::strerror(why), std::exchange(turned_away, 0));
  }
  poll_off();
  retry.start(options.pause, [this] {
    if (socket && !paused) poll_on();
  });
}

void Listener::State::close() noexcept {
  if (!socket) return;
  retry.stop();
  poll.reset();
  socket.close();
  reserve.close();
  struct stat now {};
  const std::string path = address.path();
  // Only our own: a successor may have put its socket in the same place.
  if (owns_file && ::lstat(path.c_str(), &now) == 0 && now.st_dev == file.st_dev &&
      now.st_ino == file.st_ino) {
    ::unlink(path.c_str());
  }
}

Listener::Listener(Loop& loop, const Address& address, const ListenOptions& options,
                   OnConnection accepted)
    : state_(std::make_shared<State>(loop, options, std::move(accepted))) {
  try {
    state_->open(address);
    begin();
  } catch (...) {
    close();  // the socket file may be there already
    throw;
  }
}

Listener::Listener(Loop& loop, FileDescriptor listening, const ListenOptions& options,
                   OnConnection accepted)
    : state_(std::make_shared<State>(loop, options, std::move(accepted))) {
  state_->adopt(std::move(listening));
  begin();
}

Listener::~Listener() {
  close();
}

void Listener::begin() {
  state_->address = local_of(state_->socket.get());
  state_->reserve = open_reserve();
  state_->poll_on();
}

const Address& Listener::address() const noexcept {
  return state_->address;
}

int Listener::fd() const noexcept {
  return state_->socket.get();
}

void Listener::pause() noexcept {
  state_->paused = true;
  state_->poll_off();
}

void Listener::resume() {
  state_->paused = false;
  if (state_->socket && !state_->retry.is_active()) state_->poll_on();
}

void Listener::set_defer_accept(bool on) noexcept {
  if (!state_->address.is_inet()) return;
  const int value = on ? 1 : 0;
  ::setsockopt(state_->socket.get(), IPPROTO_TCP, TCP_DEFER_ACCEPT, &value, sizeof value);
}

void Listener::set_connection_options(const TcpOptions& options) noexcept {
  apply(options, state_->socket.get());
}

void Listener::close() noexcept {
  state_->close();
}

}  // namespace remuda::io
