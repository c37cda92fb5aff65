#include "unit/session/model_world.h"

#include <algorithm>
#include <sstream>

#include "unit/session/messages.h"

using namespace std::string_view_literals;

namespace remuda::session::test {
namespace {

// Of errors only the SQLSTATE, and that not where there may be several reasons: a failed
// transaction, a name that is in use or unknown, a text that is wrong.
std::string normal(std::string_view message) {
  if (message[0] != 'E') return std::string(message);
  const std::string_view body = message.substr(5);
  const size_t code = body[0] == 'C' ? 1 : body.find("\0C"sv) + 2;
  const std::string_view state = body.substr(code, 5);
  for (const auto either : {"25P02", "42P05", "26000", "42601", "34000", "55000"}) {
    if (state == either) return "E either";
  }
  return "E " + std::string(state);
}

std::string shown(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const bool is_plain = c >= ' ' && c <= '~';
    text += is_plain ? std::string(1, c) : c == '\0' ? "." : "?";
  }
  return text;
}

std::string take_message(std::string& bytes) {
  const size_t size = size_t{1} + load_u32(bytes.data() + 1);
  const std::string message = bytes.substr(0, size);
  bytes.erase(0, size);
  return message;
}

bool has_message(const std::string& bytes) {
  return bytes.size() >= 5 && bytes.size() > load_u32(bytes.data() + 1);
}

void append(Egress& egress, std::string& to) {
  for (const iovec& run : egress.runs()) to.append(static_cast<char*>(run.iov_base), run.iov_len);
}

const ModelSession::Values kStartup = {{"app.b", "mine"}, {"search_path", "home"}};

}  // namespace

ModelWorld::Client::Client(ModelWorld& world, size_t its_id)
    : id(its_id),
      has_startup(world.rules_.has_startup && world.random_.once_in(2)),
      own(world.rules_.reports_at_once, has_startup ? kStartup : ModelSession::Values{}) {
  view.release = Release::transaction;
  ParameterSet::Values reported;
  ParameterSet::Values startup;
  for (const auto& [name, value] : ModelSession::defaults()) {
    if (ModelSession::is_reported(name)) {
      reported.emplace_back(name == "datestyle" ? "DateStyle" : name, value);
    }
  }
  view.parameters = world.parameters_.intern(reported);
  if (!world.rules_.follows_settings) return;
  if (has_startup) {
    for (const auto& [name, value] : kStartup) {
      startup.emplace_back(name, setting_assignment(name, value, {}).sql);
    }
  }
  unproven_values = has_startup;
  view.startup_settings = view.settings = world.parameters_.intern(startup);
}

ModelWorld::Server::Server(ModelWorld& world) : pg(world.rules_.reports_at_once) {
  ParameterSet::Values reported;
  for (const auto& [name, value] : ModelSession::defaults()) {
    if (ModelSession::is_reported(name)) {
      reported.emplace_back(name == "datestyle" ? "DateStyle" : name, value);
    }
  }
  view.parameters = view.reported = world.parameters_.intern(reported);
  if (world.rules_.follows_settings) {
    view.settings = SettingsJournal(world.parameters_.empty_set());
  }
}

ModelWorld::ModelWorld(Random& random, const Rules& rules, bool tells)
    : random_(random), rules_(rules), tells_(tells) {
  limits_.statements = &statements_;
  limits_.max_prepared_statements = rules.max_prepared_statements;
  limits_.prepare_unnamed = rules.prepare_unnamed;
  for (size_t i = 0; i < rules.servers; ++i) servers_.emplace_back(*this);
  for (size_t i = 0; i < rules.clients; ++i) clients_.emplace_back(*this, arrivals_++);
}

template <class... Parts>
void ModelWorld::note(const Parts&... parts) {
  if (!tells_) return;
  std::ostringstream line;
  (line << ... << parts) << '\n';
  story_ += line.str();
}

template <class... Parts>
void ModelWorld::require(bool holds, const Parts&... parts) {
  if (holds) return;
  std::ostringstream line;
  (line << ... << parts);
  throw Difference{story_ + line.str()};
}

void ModelWorld::send(Client& client, const std::string& bytes) {
  if (tells_) note("client ", client.id, ": ", shown(bytes));
  client.own_inbox += bytes;
  client.expected += client.own.answer(client.own_inbox);
  client.parked += bytes;
}

void ModelWorld::compare(Client& client) {
  while (has_message(client.got)) {
    const std::string got = take_message(client.got);
    require(has_message(client.expected), "client ", client.id, " has read ", shown(got));
    const std::string expected = take_message(client.expected);
    if (got == expected || normal(got) == normal(expected)) continue;
    require(false, "client ", client.id, " has read ", shown(got), "\ninstead of ",
            shown(expected));
  }
}

// ---- The pool

void ModelWorld::give_server(Client& client) {
  for (Server& server : servers_) {
    if (!server.is_idle) continue;
    note("client ", client.id, " is given server ", &server - &servers_[0]);
    server.is_idle = false;
    server.client = &client;
    client.server = &server;
    client.wants_server = false;
    client.replay_due = true;
    session::link(client.view, server.view);
    return;
  }
}

void ModelWorld::unlink(Client& client) {
  client.wants_room = client.awaits_replay = client.replay_due = false;
  session::unlink(client.view, client.server->view);
  client.server->client = nullptr;
  client.server = nullptr;
}

void ModelWorld::replace(Server& server) {
  note("server ", &server - &servers_[0], " is closed");
  server = Server(*this);
}

void ModelWorld::start_internal(Server& server, const std::string& sql) {
  note("server ", &server - &servers_[0], " is sent ", sql);
  expect_internal_query(server.view);
  server.inbox += query(sql);
}

void ModelWorld::settle(Server& server) {
  if (server.client) return;
  if (server.was_reset && server.view.is_quiet()) {
    server.was_reset = false;
    server.view.parameters =
        after_replay(server.view.parameters, parameters_.empty_set(), server.view.reported);
    apply_text(server.view.settings, "DISCARD ALL", *server.view.reported);
  }
  if (server.view.suspect) return replace(server);
  if (!server.view.is_answered()) return;
  if (!server.view.is_quiet()) return start_internal(server, "ROLLBACK");
  if (server.view.settings.is_lost()) {
    server.was_reset = true;
    return start_internal(server, "DISCARD ALL");
  }
  check_available(server);
  server.is_idle = true;
}

// Nothing of anybody is left on it but what is known.
void ModelWorld::check_available(Server& server) {
  const ModelSession& session = server.pg.session();
  require(server.outbox.empty(), "an answer is on its way");
  require(session.block() == ModelSession::Block::none, "a transaction is open");
  require(server.view.changes.empty(), "changes are left");
  require(server.view.portals.empty(), "portals are left");
  for (const auto& [name, value] : ModelSession::defaults()) {
    const std::string& has = session.setting(name);
    if (ModelSession::is_reported(name)) {
      require(*server.view.parameters->find(name) == has, "the server has ", name, '=', has);
    } else if (rules_.follows_settings && !server.view.settings.find(name)) {
      require(has == value, "the server still has ", name, '=', has);
    }
  }
  // A DEALLOCATE that was prepared and never run leaves what was made up for it.
  const auto left = std::count_if(
      session.statements().begin(), session.statements().end(),
      [](const auto& statement) { return !statement.first.starts_with("remuda_gone_"); });
  require(static_cast<size_t>(left) == server.view.statements.size(), "the server has ", left,
          " statements instead of ", server.view.statements.size());
  for (const StatementDigest& digest : server.view.statements.order()) {
    const StatementName name = server_name(digest);
    const ModelPrepared* prepared = server.pg.find(std::string(view_of(name)));
    require(prepared != nullptr, "the server lacks a statement");
    const std::string content = prepared->sql.text() + " under " + prepared->context;
    const auto [at, is_new] = contents_.emplace(view_of(name), content);
    require(at->second == content, "one name for ", content, " and for ", at->second);
  }
}

void ModelWorld::leave(Client& client) {
  note("client ", client.id, " leaves");
  Server* const server = client.server;
  const bool is_whole = client.view.frame.at_boundary();
  if (server) unlink(client);
  client = Client(*this, arrivals_++);
  if (!server) return;
  if (is_whole && server->view.is_answered() && !server->view.suspect) return settle(*server);
  bool needs_sync = false;
  if (!is_whole || !abandon(server->view, needs_sync)) return replace(*server);
  if (needs_sync) server->inbox += sync();
}

// To another worker, by value.
void ModelWorld::move(Client& client) {
  if (client.server || client.wants_server || !client.parked.empty()) return;
  if (!client.view.frame.at_boundary() || !client.view.frame.holds_nothing()) return;
  client.view.statements = copy_in(copy_out(client.view.statements.get()), statements_);
}

void ModelWorld::move(Server& server) {
  if (!server.is_idle) return;
  const ServerView& old = server.view;
  ServerView view;
  view.parameters = parameters_.intern(old.parameters->values());
  view.reported = parameters_.intern(old.reported->values());
  if (rules_.follows_settings)
    view.settings = SettingsJournal(parameters_.intern(old.settings.base()->values()),
                                    parameters_.intern(old.settings.has()->values()));
  for (const StatementDigest& digest : old.statements.order()) view.statements.add_oldest(digest);
  view.gone = old.gone;
  server.view = std::move(view);
}

// ---- Bytes

void ModelWorld::turn() {
  Client& client = clients_[random_.below(clients_.size())];
  if (random_.once_in(50)) move(client);
  if (client.wants_server) give_server(client);
  // A batch that has failed before its end was read is not tried again.
  const bool is_whole = rules_.outdates_plans || random_.once_in(2);
  if (!client.wants_server) feed(client, is_whole ? client.parked.size() : random_.below(40));
  Server& server = servers_[random_.below(servers_.size())];
  if (random_.once_in(50)) move(server);
  if (rules_.outdates_plans && random_.once_in(20) && server.inbox.empty() &&
      server.view.is_quiet()) {
    note("tables are altered");
    server.pg.outdate();
  }
  const size_t most = random_.once_in(2) ? server.inbox.size() : random_.below(60);
  const std::string part = server.inbox.substr(0, most);
  server.inbox.erase(0, part.size());
  server.partial += part;
  server.outbox += server.pg.answer(server.partial);
  read(server, random_.once_in(2) ? server.outbox.size() : random_.below(30));
}

void ModelWorld::settle_all() {
  const auto is_busy = [&] {
    for (const Client& client : clients_) {
      if (!client.parked.empty() || !client.expected.empty()) return true;
    }
    for (const Server& server : servers_) {
      if (!server.inbox.empty() || !server.outbox.empty()) return true;
      if (!server.client && !server.is_idle) return true;
    }
    return false;
  };
  for (int i = 0; i < 20000 && is_busy(); ++i) turn();
  for (Client& client : clients_) {
    require(client.got.empty() && client.expected.empty(), "client ", client.id,
            " should also have read ", shown(client.expected));
  }
  require(!is_busy(), "it does not come to an end");
}

// What the client wants goes in front. False when it must wait for the outcome.
bool ModelWorld::replay(Client& client, Egress& egress) {
  client.replay_due = false;
  if (!needs_replay(client.view, client.server->view)) return true;
  const std::string sql = replay_sql(client.view, client.server->view);
  note("replay: ", sql);
  expect_internal_query(client.server->view);
  egress.copy(query(sql));
  client.awaits_replay = client.unproven_values;
  return !client.awaits_replay;
}

// Up to `most` bytes of what the client has sent are read.
void ModelWorld::feed(Client& client, size_t most) {
  size_t left = std::min(most, client.parked.size());
  while (!client.wants_room && !client.awaits_replay && !client.wants_server) {
    Egress egress(scratch_);
    if (client.replay_due && !replay(client, egress)) return append(egress, client.server->inbox);
    const std::vector<char> bytes(client.parked.begin(),
                                  client.parked.begin() + static_cast<std::ptrdiff_t>(left));
    const Progress progress =
        from_client(client.view, client.server ? &client.server->view : nullptr,
                    {bytes.data(), bytes.size()}, egress, limits_);
    if (client.server) {
      const size_t before = client.server->inbox.size();
      append(egress, client.server->inbox);
      const std::string_view sent = std::string_view(client.server->inbox).substr(before);
      if (tells_ && !sent.empty()) {
        note("server ", client.server - &servers_[0], " is sent ", shown(sent));
      }
    }
    bool is_answered = false;
    while (client.server && has_answers(client.server->view)) {
      Egress answers(scratch_);
      take_answers(client.server->view, answers);
      append(answers, client.got);
      is_answered = true;
    }
    compare(client);
    client.parked.erase(0, progress.consumed);
    left -= progress.consumed;
    if (progress.need == Need::room && is_answered) continue;
    if (!heed(client, progress.need)) return;
  }
}

// False: no more can be read now.
bool ModelWorld::heed(Client& client, Need need) {
  switch (need) {
    case Need::flush:
      return true;
    case Need::release: {
      Server& server = *client.server;
      unlink(client);
      settle(server);
      return true;
    }
    case Need::server:
      client.wants_server = true;
      return false;
    case Need::room:
      client.wants_room = true;
      return false;
    default:
      require(need == Need::none, "a client fails");
      return false;
  }
}

void ModelWorld::read(Server& server, size_t most) {
  const std::string part = server.outbox.substr(0, most);
  server.outbox.erase(0, part.size());
  ByteView bytes = part;
  while (true) {
    Egress egress(scratch_);
    Client* const to = server.client;
    const Progress progress =
        from_server(server.view, to ? &to->view : nullptr, bytes, egress, limits_);
    bytes.remove_prefix(progress.consumed);
    if (to) append(egress, to->got);
    if (to) compare(*to);
    if (progress.need == Need::flush) continue;
    if (progress.need == Need::resend) {
      Egress again(scratch_);
      put_second_try(server.view, again);
      append(again, server.inbox);
      continue;
    }
    if (progress.need == Need::release) {
      require(bytes.empty(), "a server sends more than it was asked for");
      if (to) unlink(*to);
      return settle(server);
    }
    require(progress.need == Need::none, progress.fault ? progress.fault->text : "a wrong need");
    break;
  }
  if (!server.client) {
    if (!server.is_idle && server.view.is_answered()) settle(server);
    return;
  }
  Client& client = *server.client;
  client.wants_room = false;
  if (client.awaits_replay && server.view.pipeline.empty()) {
    client.awaits_replay = client.unproven_values = false;
  }
}

}  // namespace remuda::session::test
