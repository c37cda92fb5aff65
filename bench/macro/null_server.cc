// A server that speaks enough of PostgreSQL's protocol to stand behind a pooler and answers at
// once, so that the pooler is the bottleneck. Threads with an epoll each; the first one accepts and
// deals the connections out in turn. See null_query.h for what it answers.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "io/thread_priority.h"
#include "macro/arguments.h"
#include "macro/null_session.h"
#include "macro/sockets.h"

namespace remuda::bench {
namespace {

constexpr const char* kUsage =
    "usage: bench_null_server [--host ADDRESS] --port N [--unix DIRECTORY] [--threads N]\n"
    "                         [--lie N]\n"
    "  --unix DIRECTORY  listen on DIRECTORY/.s.PGSQL.N as well\n"
    "  --threads N       threads that answer (1)\n"
    "  --lie N           make every N-th answer wrong\n";

// A client's socket. Either `unsent` is empty and we wait for requests, or it is not and we wait
// for room: a client that does not read is not listened to.
struct Connection {
  Connection(int descriptor, uint32_t id, Lies& lies) : fd(descriptor), session(id, lies) {}
  ~Connection() { ::close(fd); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const int fd;
  NullSession session;
  std::string partial;  // the beginning of a message
  std::string unsent;
  size_t sent = 0;  // of `unsent`
};

// One thread's connections. After run() has begun, other threads call adopt() alone.
class NullServer {
 public:
  explicit NullServer(uint64_t lie_every)
      : lies_{lie_every}, epoll_(epoll_create1(EPOLL_CLOEXEC)), input_(64 * 1024, '\0') {}

  void listen(const Endpoint& endpoint) {
    listeners_.push_back(std::make_unique<int>(listen_on(endpoint)));
    watch(epoll_, *listeners_.back(), EPOLLIN, listeners_.back().get(), true);
  }

  // Who gets what this one accepts, in turn.
  void deal_to(std::vector<NullServer*> takers) { takers_ = std::move(takers); }

  void adopt(int fd, uint32_t id) {
    watch(epoll_, fd, EPOLLIN, new Connection(fd, id, lies_), true);
  }

  [[noreturn]] void run() {
    for (;;) {
      epoll_event events[256];
      const int count = epoll_wait(epoll_, events, 256, -1);
      for (int i = 0; i < count; ++i) handle(events[i]);
    }
  }

 private:
  void handle(const epoll_event& event) {
    for (const auto& listener : listeners_) {
      if (event.data.ptr == listener.get()) return accept_all(*listener);
    }
    auto* connection = static_cast<Connection*>(event.data.ptr);
    const bool alive = connection->unsent.empty() ? on_readable(*connection) : flush(*connection);
    if (!alive) delete connection;
  }

  void accept_all(int listener) {
    for (int fd = accept_from(listener); fd >= 0; fd = accept_from(listener)) {
      ++last_id_;
      takers_[last_id_ % takers_.size()]->adopt(fd, last_id_);
    }
  }

  bool on_readable(Connection& connection) {
    const ssize_t got = recv(connection.fd, input_.data(), input_.size(), 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return false;
    std::string_view bytes(input_.data(), static_cast<size_t>(got));
    if (!connection.partial.empty()) {
      connection.partial.append(bytes);
      bytes = connection.partial;
    }
    output_.clear();
    const size_t used = connection.session.feed(bytes, output_);
    connection.partial = std::string(bytes.substr(used));
    return send_output(connection) && !connection.session.closed();
  }

  bool send_output(Connection& connection) {
    if (output_.empty()) return true;
    ssize_t sent = send(connection.fd, output_.data(), output_.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return false;
    if (sent < 0) sent = 0;
    if (static_cast<size_t>(sent) == output_.size()) return true;
    connection.unsent.swap(output_);
    connection.sent = static_cast<size_t>(sent);
    watch(epoll_, connection.fd, EPOLLOUT, &connection, false);
    return true;
  }

  bool flush(Connection& connection) {
    auto& unsent = connection.unsent;
    const ssize_t sent = send(connection.fd, unsent.data() + connection.sent,
                              unsent.size() - connection.sent, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    connection.sent += static_cast<size_t>(sent);
    if (connection.sent < unsent.size()) return true;
    unsent.clear();
    watch(epoll_, connection.fd, EPOLLIN, &connection, false);
    return true;
  }

  Lies lies_;
  const int epoll_;
  uint32_t last_id_ = 0;
  std::string input_, output_;
  std::vector<std::unique_ptr<int>> listeners_;
  std::vector<NullServer*> takers_;
};

[[noreturn]] void run_all(const std::vector<std::unique_ptr<NullServer>>& servers) {
  std::vector<NullServer*> takers;
  for (const auto& server : servers) takers.push_back(server.get());
  servers[0]->deal_to(takers);
  for (size_t i = 1; i < servers.size(); ++i) {
    std::thread([server = servers[i].get()] { server->run(); }).detach();
  }
  servers[0]->run();
}

int serve(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"host", "port", "unix", "threads", "lie"}, {}, kUsage);
  Endpoint endpoint{arguments.text("host", "127.0.0.1"),
                    static_cast<uint16_t>(arguments.number("port", 0))};
  if (endpoint.port == 0) die(kUsage);
  raise_descriptor_limit();
  std::signal(SIGPIPE, SIG_IGN);
  std::vector<std::unique_ptr<NullServer>> servers;
  do {
    servers.push_back(
        std::make_unique<NullServer>(static_cast<uint64_t>(arguments.number("lie", 0))));
  } while (static_cast<double>(servers.size()) < arguments.number("threads", 1));
  servers[0]->listen(endpoint);
  if (arguments.has("unix")) servers[0]->listen({arguments.text("unix", ""), endpoint.port});
  std::puts("ready");
  std::fflush(stdout);
  run_all(servers);
}

}  // namespace
}  // namespace remuda::bench

int main(int argc, char** argv) {
  // What is measured is the pooler, not how long the load keeps the server waiting for a core.
  remuda::io::run_promptly();
  return remuda::bench::serve(argc, argv);
}
