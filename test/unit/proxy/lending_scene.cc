#include "unit/proxy/lending_scene.h"

#include <fmt/core.h>

#include <algorithm>

#include "remuda/base/bytes.h"
#include "remuda/wire/builder.h"
#include "remuda/wire/notice.h"
#include "unit/io/sockets.h"

namespace remuda::proxy {
namespace {

constexpr uint32_t kCancelRequest = 80877102;

// Takes a whole message off the front; false when there is none. `untyped`: a start-up packet.
bool take_message(std::string& bytes, bool untyped, char& type, std::string& body) {
  const size_t head = untyped ? 0 : 1;
  if (bytes.size() < head + 4) return false;
  const size_t size = head + load_u32(bytes.data() + head);
  if (bytes.size() < size) return false;
  type = untyped ? '\0' : bytes[0];
  body = bytes.substr(head + 4, size - head - 4);
  bytes.erase(0, size);
  return true;
}

void one_value(std::string& out, const std::string& text) {
  const wire::Column columns[] = {{"v", wire::oid::kText}};
  wire::row_description(out, columns);
  const wire::Value values[] = {text};
  wire::data_row(out, values);
  wire::command_complete(out, "SELECT 1");
}

}  // namespace

// ---- Server

struct TinyServer::Connection {
  explicit Connection(int descriptor) : fd(descriptor) {}
  io::FileDescriptor fd;
  std::string received;
  bool is_greeted = false;
  bool wants_greeting = false;
  bool in_transaction = false;
  bool is_over = false;
  std::list<std::string> questions;
};

TinyServer::TinyServer() = default;

TinyServer::~TinyServer() = default;

void TinyServer::poll() {
  // Ends first, so that open() never counts a connection whose successor is there already.
  for (Connection& connection : connections_) serve(connection);
  connections_.remove_if([](const Connection& connection) { return connection.is_over; });
  for (;;) {
    const int fd = listener_.accept(test::milliseconds(0));
    if (fd < 0) return;
    connections_.emplace_back(fd);
  }
}

void TinyServer::serve(Connection& connection) {
  connection.received += io::receive_now(connection.fd, &connection.is_over);
  char type = 0;
  std::string body;
  while (take_message(connection.received, !connection.wants_greeting && !connection.is_greeted,
                      type, body)) {
    if (type == '\0') connection.wants_greeting = true;
    // A cancel request has had its effect when the connection ends.
    if (type == '\0' && load_u32(body.data()) == kCancelRequest) connection.is_over = true;
    if (type == 'Q') connection.questions.push_back(body.substr(0, body.size() - 1));
    if (type == 'X') connection.is_over = true;
  }
  if (connection.is_over) return;
  if (connection.wants_greeting && !connection.is_greeted && !greet(connection)) return;
  while (!connection.questions.empty() && answer(connection, connection.questions.front())) {
    connection.questions.pop_front();
  }
}

bool TinyServer::greet(Connection& connection) {
  if (holds("")) return false;
  std::string out;
  if (!refuses.empty()) {
    wire::error_response(out, "FATAL", SqlState("28000"), refuses);
    connection.is_over = true;
  } else {
    wire::authentication_ok(out);
    wire::parameter_status(out, "client_encoding", "UTF8");
    wire::parameter_status(out, "server_version", "15.0");
    wire::backend_key_data(out, static_cast<uint32_t>(++logins_), "abcd");
    wire::ready_for_query(out, 'I');
    connection.is_greeted = true;
  }
  (void)::send(connection.fd.get(), out.data(), out.size(), MSG_NOSIGNAL);
  return connection.is_greeted;
}

bool TinyServer::answer(Connection& connection, const std::string& sql) {
  if (holds(sql)) return false;
  std::string out;
  if (sql == "begin") connection.in_transaction = true;
  if (sql == "commit" || sql == "ROLLBACK") connection.in_transaction = false;
  if (sql.empty()) {
    wire::empty_query_response(out);
  } else if (sql == "begin" || sql == "commit" || sql.starts_with("SET ")) {
    const std::string tag = sql == "begin" ? "BEGIN" : sql == "commit" ? "COMMIT" : "SET";
    wire::command_complete(out, tag);
  } else {
    one_value(out, sql);
  }
  wire::ready_for_query(out, connection.in_transaction ? 'T' : 'I');
  (void)::send(connection.fd.get(), out.data(), out.size(), MSG_NOSIGNAL);
  return true;
}

int TinyServer::held(const std::string& sql) const {
  int count = 0;
  for (const Connection& connection : connections_) {
    if (sql.empty() && connection.wants_greeting && !connection.is_greeted) ++count;
    if (!connection.questions.empty() && connection.questions.front() == sql) ++count;
  }
  return count;
}

// ---- Client

SceneClient::SceneClient(LendingScene& scene, size_t worker, const std::string& user)
    : worker_(worker) {
  io::SocketPair pair = io::unix_pair();
  Worker& home = *scene.workers[worker];
  Admission admission;
  admission.parcel.fd = std::move(pair.ours);
  admission.parcel.is_unix = true;
  admission.database = "d";
  admission.user = admission.pool_user = user;
  admission.places.database = scene.shared.ledgers.database("d");
  admission.places.user = scene.shared.ledgers.user(user);
  admission.seat = Seat(scene.shared.ledgers.pool("d", user), static_cast<int>(worker));
  admission.login_started = monotonic_now();
  admission.id = scene.shared.next_id.fetch_add(1);
  socket_ = std::move(pair.theirs);
  home.post(
      [&home, admission = std::move(admission)]() mutable { home.admit(std::move(admission)); });
}

void SceneClient::ask(const std::string& sql) {
  REMUDA_CHECK(is_open_ && !is_waiting());
  question_ = sql;
  std::string out;
  wire::query(out, sql);
  (void)::send(socket_.get(), out.data(), out.size(), MSG_NOSIGNAL);
}

bool SceneClient::poll() {
  if (!is_open_) return true;
  bool ended = false;
  received_ += io::receive_now(socket_, &ended);
  char type = 0;
  std::string body;
  while (take_message(received_, false, type, body)) take(type, body);
  if (ended) leave();
  return question_.empty();
}

void SceneClient::take(char type, std::string_view body) {
  if (type == 'E') error_ = wire::parse_error_fields(body).message;
  if (type == 'D') {
    const std::string_view value = body.substr(6);
    if (value == question_) {
      ++answers_;
    } else {
      ++wrong_answers_;
    }
  }
  if (type != 'Z') return;
  if (question_.empty()) ++wrong_answers_;
  question_.clear();
  in_transaction_ = body == "T";
}

void SceneClient::leave() {
  is_open_ = in_transaction_ = false;
  question_.clear();
  socket_.close();
}

// ---- Scene

void without_maintenance(Worker& worker) {
  constexpr uint64_t kShortest = 50;  // milliseconds; patience is shorter, time limits are longer
  constexpr uint64_t kLongest = 400;
  const auto stop = [](uv_handle_t* handle, void*) {
    if (handle->type != UV_TIMER || uv_is_active(handle) == 0) return;
    auto* timer = reinterpret_cast<uv_timer_t*>(handle);
    const uint64_t due = uv_timer_get_due_in(timer);
    if (due > kShortest && due < kLongest) uv_timer_stop(timer);
  };
  uv_walk(worker.loop.raw(), stop, nullptr);
}

LendingScene::LendingScene(size_t count, config::Config config) {
  adopt(config);
  shared.ledgers.set_workers(count);
  for (size_t i = 0; i < count; ++i) {
    workers.push_back(std::make_unique<Worker>(shared, static_cast<int>(i), snapshot_));
    shared.workers.push_back(workers.back().get());
  }
}

LendingScene::~LendingScene() {
  for (auto& worker : workers) worker->post([&worker = *worker] { worker.stop(); });
  // A stopped worker has no pools.
  until([this] {
    return std::all_of(workers.begin(), workers.end(),
                       [](const auto& worker) { return worker->shards.empty(); });
  });
}

void LendingScene::adopt(const config::Config& given) {
  auto config = std::make_shared<config::Config>(given);
  config::Database database;
  database.name = database.dbname = "d";
  database.hosts = {"127.0.0.1"};
  database.port = server.port();
  config->databases.emplace("d", database);
  config->server_tls_sslmode = config::TlsMode::disable;
  config->pool_mode = config::PoolMode::transaction;
  config->log_connections = config->log_disconnections = config->log_pooler_errors = false;
  snapshot_.config = config;
  if (!snapshot_.users) snapshot_.users = std::make_shared<const config::UserList>();
  shared.ledgers.adopt(config);
}

void LendingScene::adopt_on(size_t worker) {
  workers[worker]->post(
      [&worker = *workers[worker], snapshot = snapshot_] { worker.adopt(snapshot); });
}

SceneClient& LendingScene::client(size_t worker, const std::string& user) {
  return clients.emplace_back(*this, worker, user);
}

SceneClient& LendingScene::greeted(size_t worker, const std::string& user) {
  SceneClient& fresh = client(worker, user);
  until([&] { return fresh.poll(); });
  return fresh;
}

void LendingScene::turn(size_t worker) {
  uv_run(workers[worker]->loop.raw(), UV_RUN_NOWAIT);
  if (!is_maintained) without_maintenance(*workers[worker]);
}

void LendingScene::turn_all() {
  for (size_t i = 0; i < workers.size(); ++i) turn(i);
  server.poll();
  for (SceneClient& client : clients) client.poll();
}

bool LendingScene::until(const std::function<bool()>& holds, Micros limit) {
  const Micros end = monotonic_now() + limit;
  while (!holds()) {
    if (monotonic_now() > end) return false;
    turn_all();
  }
  return true;
}

void LendingScene::let_patience_pass() {
  const Micros end = monotonic_now() + 3 * Hunger::kPatience;
  until([end] { return monotonic_now() >= end; });
}

PoolShard& LendingScene::pool(size_t worker, const std::string& user) {
  return workers[worker]->shard("d", user);
}

Ledger& LendingScene::ledger(const std::string& user) {
  return *shared.ledgers.pool("d", user);
}

std::string LendingScene::fault() {
  bool u_waits = false;
  bool any_waits = false;
  bool has_idle = false;
  for (auto& worker : workers) {
    for (auto& [key, pool] : worker->shards) {
      if (pool->dials() > 0 || !pool->list_of(ServerState::tested).empty()) return "";
      const bool is_u = key.second == "u";
      any_waits = any_waits || !pool->waiting.empty();
      u_waits = u_waits || (is_u && !pool->waiting.empty());
      has_idle = has_idle || (is_u && !pool->list_of(ServerState::idle).empty());
    }
  }
  Ledger& pool = ledger();
  if (pool.travelling > 0) return "";
  const auto has_room = [](const Budget& budget) {
    return budget.limit() <= 0 || budget.used() < budget.limit();
  };
  if (u_waits && has_idle) return "somebody waits though a server is idle";
  if (u_waits && has_room(pool.servers) && has_room(pool.database->servers) &&
      has_room(pool.user->servers)) {
    return "somebody waits though a slot is free";
  }
  if (!any_waits && pool.hunger.is_stated_by_any()) return "hunger is stated though nobody waits";
  return "";
}

std::string LendingScene::breach() {
  Ledger& ledger = this->ledger();
  const int limit = ledger.servers.limit();
  int count = ledger.travelling;
  for (size_t i = 0; i < workers.size(); ++i) {
    count += static_cast<int>(servers(i)) + pool(i).dials();
  }
  if (count > ledger.servers.used()) return "a server has no slot";
  if (limit > 0 && ledger.servers.used() > limit) return "more servers than the limit";
  for (const SceneClient& client : clients) {
    if (client.wrong_answers() > 0) return "a wrong answer";
  }
  return "";
}

std::string LendingScene::picture() {
  std::string text = fmt::format("used {} of {}, travelling {}\n", ledger().servers.used(),
                                 ledger().servers.limit(), ledger().travelling.load());
  for (size_t i = 0; i < workers.size(); ++i) {
    text += fmt::format("worker {}: servers {} (idle {}), waiting {}, dials {}, hungry {}\n", i,
                        servers(i), idle(i), waiting(i), pool(i).dials(),
                        ledger().hunger.is_stated_by(static_cast<int>(i)));
  }
  return text;
}

}  // namespace remuda::proxy
