// Real workers and pools for tests of lending: the workers' loops go round on the test's thread, in
// whatever order it wants; clients are placed on the worker it wants; a server answers at once, or
// when it is told to. Maintenance does not run, so what it would repair stays broken and is seen.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "io/file_descriptor.h"
#include "proxy/ledger.h"
#include "proxy/placement.h"
#include "proxy/shared.h"
#include "proxy/worker.h"
#include "support/listening_socket.h"

namespace remuda::proxy {

// A PostgreSQL in a few lines: "begin" and "commit" open and close a transaction, everything else
// is answered with one value, the query itself. Whoever runs it calls poll().
class TinyServer {
 public:
  TinyServer();
  ~TinyServer();
  TinyServer(const TinyServer&) = delete;
  TinyServer& operator=(const TinyServer&) = delete;

  int port() const noexcept { return listener_.port(); }
  // Reads and answers what is there.
  void poll();
  // While it says so, a query (an empty text: the login) is left unanswered.
  std::function<bool(const std::string& sql)> holds = [](const std::string&) { return false; };
  // While set, logins are refused with this text.
  std::string refuses;

  size_t open() const noexcept { return connections_.size(); }
  int logins() const noexcept { return logins_; }
  // Queries that are held now.
  int held(const std::string& sql) const;

 private:
  struct Connection;
  void serve(Connection& connection);
  bool answer(Connection& connection, const std::string& sql);
  bool greet(Connection& connection);

  const test::ListeningSocket listener_;
  int logins_ = 0;
  std::list<Connection> connections_;
};

class LendingScene;

// Stops the timer by which a worker looks after its pools. To be called after every turn of its
// loop, as it is started whenever somebody waits.
void without_maintenance(Worker& worker);

// A client of the scene: one question at a time.
class SceneClient {
 public:
  SceneClient(LendingScene& scene, size_t worker, const std::string& user);

  void ask(const std::string& sql);
  // As if it had asked.
  void expect(const std::string& sql) { question_ = sql; }
  // Takes what has arrived. True when nothing is waited for.
  bool poll();
  bool is_waiting() const noexcept { return !question_.empty(); }
  bool in_transaction() const noexcept { return in_transaction_; }
  // The text of the error that ended it; empty while it lives.
  const std::string& error() const noexcept { return error_; }
  bool is_open() const noexcept { return is_open_; }
  void leave();
  size_t worker() const noexcept { return worker_; }
  // Answers that were not those to its questions.
  int wrong_answers() const noexcept { return wrong_answers_; }
  int answers() const noexcept { return answers_; }

 private:
  void take(char type, std::string_view body);

  size_t worker_;
  io::FileDescriptor socket_;
  std::string received_;
  std::string question_ = "login";
  std::string error_;
  bool in_transaction_ = false;
  bool is_open_ = true;
  int wrong_answers_ = 0;
  int answers_ = 0;
};

class LendingScene {
 public:
  // Database "d" for everybody, pooled by transaction. `config` needs no database of its own.
  LendingScene(size_t workers, config::Config config);
  ~LendingScene();

  // As the daemon does on a reload, up to and without telling the workers.
  void adopt(const config::Config& config);
  // What the worker does with it, when its turn comes.
  void adopt_on(size_t worker);

  // A client that has been greeted.
  SceneClient& greeted(size_t worker, const std::string& user = "u");
  // One that may still wait for its greeting.
  SceneClient& client(size_t worker, const std::string& user = "u");

  // One turn of one worker's loop, without sleeping.
  void turn(size_t worker);
  // One of every worker, the server and every client.
  void turn_all();
  // All go round until the condition holds; false when it does not in a long time.
  bool until(const std::function<bool()>& holds, Micros limit = 10 * kSecond);
  // All go round for as long as the workers' patience may take to run out.
  void let_patience_pass();

  PoolShard& pool(size_t worker, const std::string& user = "u");
  Ledger& ledger(const std::string& user = "u");
  size_t servers(size_t worker) { return pool(worker).server_count(); }
  size_t idle(size_t worker) { return pool(worker).list_of(ServerState::idle).size(); }
  size_t waiting(size_t worker) { return pool(worker).waiting.size(); }

  // In words, what must not last: somebody waits though a server is idle or a slot is free, or a
  // statement of hunger that nobody means. Empty when all is well.
  std::string fault();
  // What must never be.
  std::string breach();
  std::string picture();

  // Lets the workers look after their pools, as far as somebody waiting makes them.
  bool is_maintained = false;

  Shared shared;
  TinyServer server;
  std::vector<std::unique_ptr<Worker>> workers;
  std::list<SceneClient> clients;

 private:
  Snapshot snapshot_;
};

}  // namespace remuda::proxy
