#include "admin/sockets.h"

#include "remuda/base/error.h"
#include "remuda/base/text.h"

namespace remuda::admin {
namespace {

using proxy::Client;
using proxy::ClientState;
using proxy::LoginEntry;
using proxy::Server;
using proxy::ServerState;
using Stage = proxy::LoginEntry::Stage;

const char* state_of(const Client& client) {
  switch (client.state()) {
    case ClientState::active:
      return "active";
    case ClientState::waiting:
      return "waiting";
    case ClientState::idle:
      break;
  }
  return "idle";
}

const char* state_of(const Server& server, Micros now, Micros check_delay) {
  switch (server.state) {
    case ServerState::active:
      return server.client ? "active" : "idle";
    case ServerState::tested:
      return server.cancels > 0 ? "being_canceled" : "tested";
    case ServerState::idle:
      break;
  }
  return now - server.idle_since >= check_delay ? "used" : "idle";
}

std::string application_name(const session::ParameterSetRef& parameters) {
  const std::string* value = parameters ? parameters->find("application_name") : nullptr;
  return value ? *value : std::string();
}

// Since when its query waits or runs; 0 if it has none.
Micros busy_since(const Client& client) {
  return client.query_start != 0 ? client.query_start : client.wait_start;
}

// A server's unix socket is named after the port it serves.
int port_of_socket(const std::string& path) {
  const std::string_view text = std::string_view(path).substr(path.rfind('.') + 1);
  return parse_number<int>(text).value_or(0);
}

void set_server_address(Ends& ends, const io::Address& address) {
  ends.address = address.host();
  ends.port = address.is_unix() ? port_of_socket(address.path()) : address.port();
}

std::string name_or(const std::string* name, const char* otherwise) {
  return name == nullptr || name->empty() ? otherwise : *name;
}

SocketRow row_of(const LoginEntry& login, int listen_port, Micros now) {
  SocketRow row;
  const bool is_server = login.stage == Stage::opening;
  const bool is_queued = login.stage == Stage::queued;
  row.type = is_server ? 'S' : 'C';
  row.user = name_or(login.user, "(nouser)");
  row.database = name_or(login.database, "(nodb)");
  row.replication = login.replication;
  row.state = is_server ? "new" : is_queued ? "waiting" : "login";
  if (login.stream) row.ends = ends_of(*login.stream, listen_port);
  if (is_server && login.address) set_server_address(row.ends, *login.address);
  row.remote_pid = row.ends.peer_pid;
  row.connect_time = login.connect_time;
  row.request_time = login.stage_time;
  row.wait = is_queued ? now - login.stage_time : 0;
  row.id = login.id;
  if (login.application_name) row.application_name = *login.application_name;
  return row;
}

void append_logins(std::vector<SocketRow>& rows, proxy::Worker& worker, Stage stage) {
  const Micros now = worker.now();
  for (const LoginEntry& login : worker.login_entries) {
    if (login.stage != stage) continue;
    rows.push_back(row_of(login, worker.config().listen_port, now));
  }
}

SocketRow row_of(const Client& client, int listen_port, Micros now) {
  SocketRow row;
  row.type = 'C';
  row.user = client.places.user->name;
  row.database = client.pool.database_name();
  if (client.server) row.replication = client.server->replication;
  row.state = state_of(client);
  row.ends = ends_of(client.stream, listen_port);
  row.remote_pid = row.ends.peer_pid;
  row.connect_time = client.connect_time;
  row.request_time = client.request_time;
  row.wait = busy_since(client) == 0 ? 0 : now - busy_since(client);
  row.id = client.id;
  row.link = client.server ? client.server->id : 0;
  row.application_name = application_name(client.view.parameters);
  if (client.view.statements) row.prepared_statements = client.view.statements->named.size();
  row.buffers.unread = client.parked.size();
  row.buffers.unsent = client.stream.backlog();
  row.buffers.body = client.view.frame.body_left;
  return row;
}

SocketRow row_of(const Server& server, int listen_port, Micros now, Micros check_delay) {
  SocketRow row;
  row.type = 'S';
  row.user = server.pool.user_name();
  row.database = server.pool.database_name();
  row.replication = server.replication;
  row.state = state_of(server, now, check_delay);
  row.ends = ends_of(server.stream, listen_port);
  set_server_address(row.ends, server.address);
  row.remote_pid = static_cast<int>(server.key.pid);
  row.connect_time = server.connect_time;
  row.request_time = server.request_time;
  row.close_needed = server.close_needed || server.epoch != server.pool.ledger->database->epoch;
  row.id = server.id;
  row.link = server.client ? server.client->id : 0;
  row.application_name = application_name(server.view.parameters);
  row.prepared_statements = server.view.statements.size();
  row.buffers.unsent = server.stream.backlog();
  row.buffers.body = server.view.frame.body_left;
  return row;
}

}  // namespace

std::vector<SocketRow> client_rows(proxy::Worker& worker) {
  std::vector<SocketRow> rows;
  const Micros now = worker.now();
  for (auto& [key, pool] : worker.shards) {
    for (const Client& client : pool->clients) {
      rows.push_back(row_of(client, worker.config().listen_port, now));
    }
  }
  append_logins(rows, worker, Stage::queued);
  return rows;
}

std::vector<SocketRow> server_rows(proxy::Worker& worker) {
  std::vector<SocketRow> rows;
  const Micros now = worker.now();
  for (auto& [key, pool] : worker.shards) {
    for (const ServerState state : proxy::kServerStates) {
      for (const Server& server : pool->list_of(state)) {
        rows.push_back(
            row_of(server, worker.config().listen_port, now, worker.config().server_check_delay));
      }
    }
  }
  append_logins(rows, worker, Stage::opening);
  return rows;
}

std::vector<SocketRow> login_rows(proxy::Worker& worker) {
  std::vector<SocketRow> rows;
  append_logins(rows, worker, Stage::proving);
  return rows;
}

std::vector<SocketRow> console_rows(Consoles& consoles, int listen_port) {
  std::vector<SocketRow> rows;
  for (const Console& console : consoles.all()) {
    SocketRow row;
    row.user = console.user;
    row.database = config::kConsoleName;
    row.state = console.is_running ? "active" : "idle";
    row.ends = ends_of(console.stream, listen_port);
    row.remote_pid = row.ends.peer_pid;
    row.connect_time = console.connect_time;
    row.request_time = console.request_time;
    row.id = console.id;
    for (const auto& [name, value] : console.parameters) {
      if (session::same_name(name, "application_name")) row.application_name = value;
    }
    row.buffers.unsent = console.stream.backlog();
    rows.push_back(row);
  }
  return rows;
}

}  // namespace remuda::admin
