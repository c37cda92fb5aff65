#include "simulation/world.h"

#include <algorithm>
#include <utility>

namespace remuda::simulation {
namespace {

constexpr size_t kLeastScratch = 32 * 1024 + 5;

}  // namespace

void Pipe::put_back(std::string_view bytes) {
  bytes_.insert(read_, bytes);
}

std::string Pipe::take(size_t n) {
  std::string part(content().substr(0, n));
  read_ += part.size();
  if (read_ == bytes_.size() || read_ > 100000) {
    bytes_.erase(0, read_);
    read_ = 0;
  }
  return part;
}

void Pipe::close(size_t remains) {
  if (remains < content().size()) bytes_.resize(read_ + remains);
  is_closed_ = true;
}

World::World(uint64_t seed)
    : random_(seed),
      release_(random_.pick({session::Release::transaction, session::Release::transaction,
                             session::Release::transaction, session::Release::session,
                             session::Release::statement})),
      reports_late_(random_.one_in(2)),
      largest_piece_(
          random_.pick({size_t{1}, size_t{7}, size_t{100}, size_t{3000}, size_t{65536}})),
      max_servers_(random_.between(1, 8)),
      has_accidents_(!random_.one_in(3)),
      scratch_(random_.one_in(2) ? kLeastScratch : session::Egress::kMinScratch),
      egress_(scratch_),
      client_count_(random_.between(1, 60)) {
  session::ParameterSet::Values values;
  for (const auto& entry : ModelServer::defaults()) values.emplace_back(entry);
  defaults_ = table_.intern(std::move(values));
  for (size_t i = 0; i < client_count_; ++i) add_client();
}

World::~World() = default;

void World::add_client() {
  ModelClient::Habits habits;
  habits.scenes = random_.between(1, 12);
  habits.opens_transactions = release_ != session::Release::statement || random_.one_in(20);
  habits.reports_late = reports_late_;
  ModelClient::Parameters startup;
  if (random_.one_in(2)) startup["DateStyle"] = random_.pick_text({"iso", "German"});
  if (random_.one_in(3))
    startup["application_name"] = random_.pick_text({"a'b", "\\\\'", "", "\xc3\xbc"});
  if (random_.one_in(3)) startup["search_path"] = random_.pick_text({"\"it's\", x", "X"});
  if (random_.one_in(3)) startup["my.own"] = random_.pick_text({"1", "2"});
  const bool has_impossible = random_.one_in(40);
  if (has_impossible) startup["my.other"] = "impossible";
  auto client = std::make_unique<Client>(clients_.size(), random_.next(), habits, startup);
  client->has_impossible = has_impossible;
  client->view.release = release_;
  client->view.parameters = defaults_;
  for (const auto& [name, value] : startup) {
    client->view.parameters = client->view.parameters.with(name, value);
  }
  clients_.push_back(std::move(client));
}

// ---- Time ---------------------------------------------------------------------------------------

void World::run() {
  size_t idle_ticks = 0;
  while (true) {
    if (tick()) {
      idle_ticks = 0;
    } else if (++idle_ticks > 4 * (clients_.size() + servers_.size())) {
      if (!sweep()) break;
      idle_ticks = 0;
    }
  }
  check_end();
}

// Something happens to somebody, perhaps.
bool World::tick() {
  if (has_accidents_ && random_.one_in(2000)) disturb();
  const size_t who = random_.below(clients_.size() + servers_.size());
  if (who < clients_.size()) return move(*clients_[who]);
  return move(*servers_[who - clients_.size()]);
}

// Everybody gets a turn, and more than one, as some leave theirs to chance. False when nobody could
// use it: time has ended.
bool World::sweep() {
  bool has_moved = false;
  for (int turn = 0; turn < 50 && !has_moved; ++turn) {
    for (auto& client : clients_) has_moved |= move(*client);
    for (size_t i = 0; i < servers_.size(); ++i) has_moved |= move(*servers_[i]);
  }
  return has_moved;
}

bool World::move(Client& client) {
  bool has_moved = false;
  if (!client.to_client.empty() && !random_.one_in(3)) {
    client.model.receive(client.to_client.take(piece(client.to_client)));
    if (!client.model.violation().empty()) wrong(client.model.violation());
    check_at_rest(client);
    has_moved = true;
  }
  if (!client.is_gone && !client.to_pool.is_closed()) has_moved |= act(client);
  return read_client(client) || has_moved;
}

bool World::act(Client& client) {
  const std::string bytes = client.model.act();
  client.to_pool.put(bytes);
  if (!bytes.empty()) return true;
  const bool is_done = client.model.is_finished() && random_.one_in(3);
  if (!is_done && !client.model.wants_to_leave()) return false;
  if (is_done && random_.one_in(2)) client.to_pool.put(message('X'));
  client.to_pool.close();
  return true;
}

bool World::move(Server& server) {
  if (server.to_pool.is_closed()) return read_server(server);
  bool has_moved = false;
  if (!server.to_server.empty()) {
    server.model.read(server.to_server.take(piece(server.to_server)));
    if (!server.model.violation().empty()) wrong("server: " + server.model.violation());
    has_moved = true;
  }
  if (const size_t n = server.model.flushed(); n > 0) {
    server.to_pool.put(server.model.output().substr(0, n));
    server.model.take(n);
    has_moved = true;
  }
  if (server.model.is_closed()) server.to_pool.close();
  return read_server(server) || has_moved;
}

// An accident: a client or a server ends in mid message, or a server says something unasked.
void World::disturb() {
  if (random_.one_in(2) || servers_.empty()) {
    leave(*clients_[random_.below(clients_.size())]);
    return;
  }
  Server& server = *servers_[random_.below(servers_.size())];
  if (server.to_pool.is_closed() || server.model.output().size() != 0) return;
  server.is_disturbed = true;
  if (random_.one_in(2)) {
    server.to_pool.put(message('N', "async"));
    return;
  }
  server.to_pool.close(random_.below(server.to_pool.content().size() + 1));
}

void World::leave(Client& client) {
  if (client.to_pool.is_closed()) return;
  client.to_pool.close(random_.below(client.to_pool.content().size() + 1));
}

// How much of it is read at once. Little; but of what is long, often much.
size_t World::piece(const Pipe& pipe) {
  const size_t there = pipe.content().size();
  if (there > 1000 && !random_.one_in(3)) return random_.between(1, there);
  return random_.between(1, largest_piece_);
}

// ---- Checks -------------------------------------------------------------------------------------

// Nothing of another client is in the server, on its way to it, or on its way from it.
void World::check_lendable(const Server& server) const {
  if (server.is_disturbed && (server.to_pool.is_closed() || !server.to_pool.empty())) return;
  ModelServer later = server.model;
  const uint64_t replies_before = later.output().size();
  later.read(server.to_server.content());
  if (!later.is_clean()) wrong("a server is lent with something left open");
  if (later.output().size() != replies_before) wrong("a server is lent with requests unanswered");
  if (replies_before != 0 || !server.to_pool.empty()) {
    wrong("a server is lent with replies on their way");
  }
}

// A client that has nothing open and is owed nothing keeps no server.
void World::check_at_rest(const Client& client) const {
  if (release_ == session::Release::session || !client.server || client.is_gone) return;
  if (client.server->view.suspect || !client.model.is_at_rest()) return;
  if (!client.to_client.empty() || !client.to_pool.empty() || !client.parked.empty()) return;
  wrong("keeps its server for nothing: " + client.model.state());
}

// Only a client that sent a Sync too early may cost a server its good name.
void World::check_suspect(const Server& server, const Client& client) const {
  if (!server.view.suspect || client.model.has_sent_early_sync()) return;
  wrong("a server is suspect without a reason: " + client.model.state());
}

// All have ended, or have got what they asked for.
void World::check_end() const {
  for (const auto& client : clients_) {
    if (client->is_gone || client->to_pool.is_closed()) continue;
    if (!client->model.is_finished()) wrong("waits for ever: " + client->model.state());
  }
  if (!waiting_.empty()) wrong("a client waits for a server for ever");
}

}  // namespace remuda::simulation
