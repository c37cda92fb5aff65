// The least a proxy can do: passes bytes between a client and a server of its own, one read and one
// write each way, epoll, one thread. The floor to compare poolers with.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <memory>

#include "macro/arguments.h"
#include "macro/sockets.h"

namespace remuda::bench {
namespace {

constexpr const char* kUsage =
    "usage: bench_forwarder --port N --to-port N [--host A] [--to-host A]\n";

// One end of a pair. `unsent` is what the other end sent and this one did not take; the other end
// is not read meanwhile.
struct End {
  int fd = -1;
  End* other = nullptr;
  bool connecting = false, dead = false;
  std::string unsent;
  uint32_t watched = 0;

  uint32_t wanted() const {
    uint32_t events = other->unsent.empty() && !other->connecting ? EPOLLIN : 0u;
    return !unsent.empty() || connecting ? events | EPOLLOUT : events;
  }
};

class Forwarder {
 public:
  Forwarder(const Endpoint& from, const Endpoint& to)
      : to_(to), epoll_(epoll_create1(EPOLL_CLOEXEC)), listener_(listen_on(from)) {
    watch(epoll_, listener_, EPOLLIN, nullptr, true);
  }

  [[noreturn]] void run() {
    for (;;) {
      epoll_event events[256];
      const int count = epoll_wait(epoll_, events, 256, -1);
      for (int i = 0; i < count; ++i) {
        if (events[i].data.ptr == nullptr) {
          accept_all();
        } else {
          handle(*static_cast<End*>(events[i].data.ptr), events[i].events);
        }
      }
      bury();
    }
  }

 private:
  void accept_all() {
    for (int fd = accept_from(listener_); fd >= 0; fd = accept_from(listener_)) {
      auto client = std::make_unique<End>(), server = std::make_unique<End>();
      client->fd = fd;
      server->fd = start_connect(to_);
      if (server->fd < 0) {
        ::close(fd);
        continue;
      }
      server->connecting = true;
      client->other = server.get();
      server->other = client.get();
      for (End* end : {client.release(), server.release()}) {
        end->watched = end->wanted();
        watch(epoll_, end->fd, end->watched, end, true);
      }
    }
  }

  void handle(End& end, uint32_t events) {
    if (end.dead) return;
    end.connecting = false;
    if ((events & EPOLLOUT) != 0 && !end.unsent.empty()) flush(end);
    if ((events & ~uint32_t{EPOLLOUT}) != 0) pass(end);
    for (End* each : {&end, end.other}) {
      if (each->dead || each->wanted() == each->watched) continue;
      each->watched = each->wanted();
      watch(epoll_, each->fd, each->watched, each, false);
    }
  }

  void pass(End& from) {
    const ssize_t got = recv(from.fd, buffer_, sizeof buffer_, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return kill(from);
    ssize_t sent = send(from.other->fd, buffer_, static_cast<size_t>(got), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return kill(from);
    sent = sent < 0 ? 0 : sent;
    if (sent < got) from.other->unsent.assign(buffer_ + sent, static_cast<size_t>(got - sent));
  }

  void flush(End& end) {
    const ssize_t sent = send(end.fd, end.unsent.data(), end.unsent.size(), MSG_NOSIGNAL);
    if (sent > 0) end.unsent.erase(0, static_cast<size_t>(sent));
  }

  void kill(End& end) {
    end.dead = end.other->dead = true;
    dead_.push_back(&end);
  }

  // After all events of a turn, as one of them may name an end that died in it.
  void bury() {
    for (End* end : dead_) {
      for (End* each : {end->other, end}) {
        ::close(each->fd);
        delete each;
      }
    }
    dead_.clear();
  }

  const Endpoint to_;
  const int epoll_, listener_;
  std::vector<End*> dead_;
  char buffer_[64 * 1024];
};

}  // namespace
}  // namespace remuda::bench

int main(int argc, char** argv) {
  using namespace remuda::bench;
  const Arguments arguments(argc, argv, {"host", "port", "to-host", "to-port"}, {}, kUsage);
  const Endpoint from{arguments.text("host", "127.0.0.1"),
                      static_cast<uint16_t>(arguments.number("port", 0))};
  const Endpoint to{arguments.text("to-host", "127.0.0.1"),
                    static_cast<uint16_t>(arguments.number("to-port", 0))};
  if (from.port == 0 || to.port == 0) die(kUsage);
  raise_descriptor_limit();
  std::signal(SIGPIPE, SIG_IGN);
  const auto forwarder = std::make_unique<Forwarder>(from, to);
  std::puts("ready");
  std::fflush(stdout);
  forwarder->run();
}
