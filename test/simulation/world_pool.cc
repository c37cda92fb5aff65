// The pool of the simulated world: lends, takes back, and carries bytes as the proxy does.
#include <algorithm>
#include <utility>

#include "simulation/world.h"

namespace remuda::simulation {

using session::Need;
using session::Progress;

std::string World::drain() {
  std::string bytes;
  for (const iovec& run : egress_.runs()) {
    bytes.append(static_cast<const char*>(run.iov_base), run.iov_len);
  }
  egress_.clear();
  return bytes;
}

// ---- Clients ------------------------------------------------------------------------------------

bool World::read_client(Client& client) {
  if (client.is_gone) return false;
  if (client.waits_for_server || client.waits_for_room) {
    // It is not read, but that it has left is seen.
    if (!client.to_pool.is_closed() || random_.one_in(2)) return false;
    drop_client(client);
    return true;
  }
  if (client.to_pool.empty()) {
    if (!client.to_pool.is_closed()) return false;
    drop_client(client);
    return true;
  }
  client.parked += client.to_pool.take(piece(client.to_pool));
  run_client(client);
  return true;
}

void World::run_client(Client& client) {
  client.waits_for_room = false;
  while (true) {
    // Exactly as large as what was read, for the sanitizer.
    const std::vector<char> buffer(client.parked.begin(), client.parked.end());
    Server* server = client.server;
    const Progress progress = from_client(client.view, server ? &server->view : nullptr,
                                          {buffer.data(), buffer.size()}, egress_, limits_);
    if (progress.consumed > buffer.size()) wrong("more consumed than there was");
    if (!server && !egress_.empty()) wrong("bytes for a server that is not there");
    if (progress.need == Need::flush && egress_.empty()) wrong("a flush of nothing");
    if (server) server->to_server.put(drain());
    client.parked.erase(0, progress.consumed);
    switch (progress.need) {
      case Need::none:
        if (!client.parked.empty()) wrong("bytes left over without a need");
        return;
      case Need::flush:
        break;
      case Need::server:
        ask_for_server(client);
        return;
      case Need::room:
        client.waits_for_room = true;
        return;
      case Need::release:
        take_back(*server);
        break;
      case Need::terminate:
        drop_client(client);
        return;
      case Need::fail:
        wrong(std::string("a client failed: ") + progress.fault->text);
      case Need::resend:
        wrong("a need that a client cannot have");
    }
  }
}

void World::ask_for_server(Client& client) {
  if (client.server) wrong("a client with a server needs one");
  client.waits_for_server = true;
  waiting_.push_back(&client);
  feed();
}

void World::close_client(Client& client, const std::string& why) {
  const bool is_expected = why == "its server ended" ||
                           (why == "invalid server parameter" && client.has_impossible) ||
                           (why == session::kStatementMode.text && client.model.has_begun());
  if (!is_expected) wrong("client closed: " + why + "; " + client.model.state());
  drop_client(client);
}

// The client is no more. Its server is worth keeping only if nothing of it is left.
void World::drop_client(Client& client) {
  client.is_gone = true;
  client.to_pool.close(0);
  messages_ += client.model.messages();
  std::erase(waiting_, &client);
  Server* server = std::exchange(client.server, nullptr);
  if (!server) return;
  server->client = nullptr;
  check_suspect(*server, client);
  const bool is_clean = server->view.is_quiet() && client.view.frame.at_boundary();
  if (!is_clean || server->view.suspect) {
    close_server(*server);
  } else if (release_ == session::Release::session) {
    server->is_resetting = true;
    send_internal(*server, "DISCARD ALL");
  } else {
    idle_.push_back(server);
    feed();
  }
}

// ---- Servers ------------------------------------------------------------------------------------

bool World::read_server(Server& server) {
  if (!server.to_pool.empty()) {
    run_server(server, server.to_pool.take(piece(server.to_pool)));
    return true;
  }
  if (!server.to_pool.is_closed()) return false;
  if (server.client) {
    Client& client = *server.client;
    client.server = nullptr;
    server.client = nullptr;
    close_server(server);
    close_client(client, "its server ended");
  } else {
    close_server(server);
  }
  return true;
}

void World::run_server(Server& server, std::string bytes) {
  while (true) {
    const std::vector<char> buffer(bytes.begin(), bytes.end());
    Client* client = server.client;
    const Progress progress = from_server(server.view, client ? &client->view : nullptr,
                                          {buffer.data(), buffer.size()}, egress_, limits_);
    if (progress.consumed > buffer.size()) wrong("more consumed than there was");
    if (!client && !egress_.empty()) wrong("bytes for a client that is not there");
    if (progress.need == Need::flush && egress_.empty()) wrong("a flush of nothing");
    if (client) client->to_client.put(drain());
    bytes.erase(0, progress.consumed);
    if (progress.need == Need::none) {
      if (!bytes.empty()) wrong("bytes left over without a need");
      if (client && client->waits_for_room) run_client(*client);
      return;
    }
    if (progress.need == Need::flush) continue;
    // Bytes behind a release belong to nobody, so its server cannot be lent yet.
    if (progress.need == Need::release && !bytes.empty()) server.to_pool.put_back(bytes);
    settle_server(server, progress);
    return;
  }
}

void World::settle_server(Server& server, const Progress& progress) {
  Client* client = server.client;
  if (progress.need == Need::release && client) {
    take_back(server);
    if (client->waits_for_room) run_client(*client);
  } else if (progress.need == Need::release) {
    if (!server.is_resetting) wrong("released, though it was not lent");
    server.is_resetting = false;
    server.view.parameters =
        after_replay(server.view.parameters, table_.empty_set(), server.view.reported);
    idle_.push_back(&server);
    feed();
  } else if (progress.need == Need::fail) {
    if (!client && !server.is_disturbed) wrong("an idle server spoke");
    if (client) client->server = nullptr;
    server.client = nullptr;
    close_server(server);
    if (client) close_client(*client, progress.fault->text);
  } else {
    wrong("a need that a server cannot have");
  }
}

void World::take_back(Server& server) {
  Client* client = std::exchange(server.client, nullptr);
  client->server = nullptr;
  if (release_ == session::Release::session) wrong("released in session mode");
  check_suspect(server, *client);
  if (server.view.suspect || !server.to_pool.empty()) {
    if (!server.view.suspect && !server.is_disturbed) wrong("released with replies on their way");
    close_server(server);
  } else {
    idle_.push_back(&server);
    feed();
  }
}

void World::feed() {
  while (!waiting_.empty()) {
    if (idle_.empty() && servers_.size() < max_servers_) open_server();
    if (idle_.empty()) return;
    Server* server = idle_.front();
    idle_.pop_front();
    Client* client = waiting_.front();
    waiting_.pop_front();
    lend(*server, *client);
  }
}

void World::lend(Server& server, Client& client) {
  check_lendable(server);
  server.client = &client;
  client.server = &server;
  client.waits_for_server = false;
  if (!(server.view.parameters == client.view.parameters)) {
    const std::string sql = replay_sql(*server.view.parameters, *client.view.parameters);
    if (!sql.empty()) send_internal(server, sql);
  }
  run_client(client);
}

void World::send_internal(Server& server, const std::string& sql) {
  server.to_server.put(message('Q', sql + '\0'));
  expect_internal_query(server.view);
}

void World::open_server() {
  auto server = std::make_unique<Server>(reports_late_);
  server->view.parameters = server->view.reported = defaults_;
  idle_.push_back(server.get());
  servers_.push_back(std::move(server));
  ++servers_opened_;
}

void World::close_server(Server& server) {
  messages_ += server.model.messages();
  std::erase(idle_, &server);
  std::erase_if(servers_, [&server](const auto& one) { return one.get() == &server; });
  feed();
}

}  // namespace remuda::simulation
