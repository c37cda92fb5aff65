#include "support/fake_server.h"

#include <sys/socket.h>

#include <algorithm>
#include <memory>

#include "support/wait.h"

namespace remuda::test {
namespace {

constexpr std::string_view kCancelCode("\x04\xd2\x16\x2e", 4);
constexpr std::string_view kSslCode("\x04\xd2\x16\x2f", 4);

Parameters parse_startup(const std::string& body) {
  Parameters parameters;
  for (size_t at = 4; at + 1 < body.size();) {
    const auto name_end = body.find('\0', at);
    const auto value_end = body.find('\0', name_end + 1);
    if (value_end == std::string::npos) break;
    parameters.emplace_back(body.substr(at, name_end - at),
                            body.substr(name_end + 1, value_end - name_end - 1));
    at = value_end + 1;
  }
  return parameters;
}

}  // namespace

struct FakeServer::Connection {
  Connection(int fd, FakeServer& server, int number) : peer(fd, server, number) {}
  FakePeer peer;
  std::thread thread;
};

Parameters FakePeer::accept_startup() {
  Message first = read_untyped();
  while (first.body.substr(0, 4) == kSslCode) {
    send("N");
    first = read_untyped();
  }
  if (first.body.substr(0, 4) == kCancelCode) {
    note("cancel " + first.body.substr(4));
    throw WasCancel();
  }
  return parse_startup(first.body);
}

void FakePeer::expect_ssl_request() {
  if (read_untyped().body != kSslCode) throw std::runtime_error("no SSLRequest came");
}

void FakePeer::accept_tls(const TlsChoices& choices) {
  expect_ssl_request();
  send("S");
  start_tls(TlsEnd::Role::server, choices);
}

Parameters FakePeer::login() {
  Parameters parameters = accept_startup();
  send(packet('R', be32(0)));
  greet();
  return parameters;
}

void FakePeer::greet() {
  std::string bytes;
  for (const auto& [name, value] : Parameters{{"server_version", "15.0"},
                                              {"client_encoding", "UTF8"},
                                              {"server_encoding", "UTF8"},
                                              {"DateStyle", "ISO, MDY"},
                                              {"TimeZone", "UTC"},
                                              {"integer_datetimes", "on"},
                                              {"standard_conforming_strings", "on"},
                                              {"application_name", ""}})
    bytes += packet('S', cstr(name) + cstr(value));
  bytes += packet('K', be32(static_cast<uint32_t>(1000 + number_)) + "keyk");
  send(bytes + ready());
}

void FakePeer::serve(const std::function<std::string(const std::string& sql)>& answer) {
  while (true) {
    const std::string sql = expect_query();
    // What the pooler asks on its own account is answered like PostgreSQL would.
    if (sql.rfind("SET ", 0) == 0) {
      send(command_complete("SET") + ready());
    } else if (sql.empty()) {
      send(packet('I') + ready());
    } else {
      send(one_value(answer(sql)) + ready());
    }
  }
}

std::string FakePeer::expect_query() {
  const std::string body = expect('Q').body;
  return body.substr(0, body.find('\0'));
}

void FakePeer::hang() {
  server_.wait_release();
}

void FakePeer::note(const std::string& text) {
  std::lock_guard lock(server_.mutex_);
  server_.notes_.push_back(text);
}

FakeServer::FakeServer(Script script) : FakeServer(std::move(script), 1, 0) {}

FakeServer::FakeServer(Script script, int last, int port)
    : script_(std::move(script)),
      listener_(static_cast<in_addr_t>((INADDR_LOOPBACK & ~0xff) + last), port) {
  acceptor_ = std::thread([this] { accept_loop(); });
}

FakeServer::~FakeServer() {
  shutdown(listener_.fd(), SHUT_RDWR);
  acceptor_.join();
  release();
  for (auto& connection : all_) {
    connection.peer.interrupt();
    connection.thread.join();
  }
}

void FakeServer::accept_loop() {
  while (true) {
    const int fd = accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    ++open_;
    all_.emplace_back(fd, *this, connections_++);
    Connection& connection = all_.back();
    connection.thread = std::thread([this, &connection] { converse(connection); });
  }
}

void FakeServer::converse(Connection& connection) {
  try {
    script_(connection.peer);
  } catch (const WasCancel&) {
    --connections_;
    ++cancels_;
  } catch (const std::exception& error) {
    connection.peer.note(std::string("ended: ") + error.what());
  }
  connection.peer.interrupt();
  --open_;
}

std::vector<std::string> FakeServer::notes() const {
  std::lock_guard lock(mutex_);
  return notes_;
}

bool FakeServer::wait_note(const std::string& text) const {
  return eventually([&] {
    const auto all = notes();
    return std::find(all.begin(), all.end(), text) != all.end();
  });
}

void FakeServer::release() {
  {
    std::lock_guard lock(mutex_);
    released_ = true;
  }
  released_changed_.notify_all();
}

void FakeServer::wait_release() {
  std::unique_lock lock(mutex_);
  released_changed_.wait(lock, [this] { return released_; });
}

FakeServer::Script slow_cancel() {
  return [cancelled = std::make_shared<std::atomic<bool>>(false)](FakePeer& peer) {
    try {
      peer.login();
    } catch (const WasCancel&) {
      *cancelled = true;
      peer.hang();
      throw;
    }
    while (true) {
      const std::string sql = peer.expect_query();
      peer.note(sql);
      if (sql == "first") eventually([&] { return cancelled->load(); });
      peer.send(one_value(sql) + ready());
    }
  };
}

}  // namespace remuda::test
