// A PostgreSQL that a test writes line by line: lies, dies, refuses, hangs as a real one will not.
//
// Every accepted connection runs the script in a thread of its own. A script that throws, as all
// reads do when the pooler closes, just ends its connection. Scripts must not use Catch's macros:
// they record with note(), and the test looks at notes().
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/channel.h"
#include "support/listening_socket.h"
#include "support/process.h"

namespace remuda::test {

class FakeServer;

// Thrown by accept_startup() and login() when the first packet is a cancel request. A script that
// wants to keep that connection open catches it, and throws it on.
struct WasCancel {};

// The server's side of one connection, given to the script.
class FakePeer : public Channel {
 public:
  FakePeer(int fd, FakeServer& server, int number)
      : Channel(fd), server_(server), number_(number) {}

  // 0 for the first connection that was not a cancel request, then 1 ...
  int number() const { return number_; }
  // Reads the startup packet; its parameters. SSL requests are refused first.
  Parameters accept_startup();
  // Reads an SSLRequest and leaves the answer to the script.
  void expect_ssl_request();
  // Reads it, agrees and shakes hands; accept_startup() and the rest then go on inside.
  void accept_tls(const TlsChoices& choices);
  // accept_startup(), then AuthenticationOk and greet().
  Parameters login();
  // Parameters, key, ReadyForQuery.
  void greet();
  // Answers simple queries with one_value(answer(sql)) until the peer leaves.
  void serve(const std::function<std::string(const std::string& sql)>& answer);
  // Reads a Query, its text.
  std::string expect_query();
  // Keeps the connection, reads nothing, until the server ends or release() is called.
  void hang();
  void note(const std::string& text);

 private:
  FakeServer& server_;
  const int number_;
};

class FakeServer {
 public:
  using Script = std::function<void(FakePeer&)>;

  explicit FakeServer(Script script);
  // At this port of 127.0.0.`last`.
  FakeServer(Script script, int last, int port);
  ~FakeServer();
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  int port() const { return listener_.port(); }
  // Connections so far, cancel requests left out; cancel requests so far; connections open now.
  int connections() const { return connections_; }
  int cancels() const { return cancels_; }
  int open() const { return open_; }
  std::vector<std::string> notes() const;
  bool wait_note(const std::string& text) const;
  // Lets hanging scripts go on.
  void release();

 private:
  friend class FakePeer;
  struct Connection;

  void accept_loop();
  void converse(Connection& connection);
  void wait_release();

  Script script_;
  const ListeningSocket listener_;
  std::atomic<int> connections_{0};
  std::atomic<int> cancels_{0};
  std::atomic<int> open_{0};
  mutable std::mutex mutex_;
  std::condition_variable released_changed_;
  bool released_ = false;
  std::vector<std::string> notes_;
  std::list<Connection> all_;
  std::thread acceptor_;
};

// Answers queries with their own text, "first" not before a cancel request has come; each is noted.
// The cancel's connection stays open until release(): as long as it is, the cancel may still
// strike.
FakeServer::Script slow_cancel();

}  // namespace remuda::test
