// Clients on few servers, joined by the conversation as the proxy joins them (proxy/relay.cc,
// proxy/pool_shard.cc), one small step after the other: reads cut anywhere, clients that leave,
// servers that are cleaned. Each client has a private server too, which is told the same at once;
// the client must read what that one answers, to the byte but for the reasons of errors.
#pragma once

#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "remuda/session/conversation.h"
#include "unit/session/model_pg.h"

namespace remuda::session::test {

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  size_t below(size_t n) { return engine_() % n; }
  // Once in so many times.
  bool once_in(size_t n) { return below(n) == 0; }
  template <class T, size_t n>
  const T& one_of(const T (&choices)[n]) {
    return choices[below(n)];
  }

 private:
  std::mt19937 engine_;
};

class ModelWorld {
 public:
  struct Rules {
    size_t servers = 2;
    size_t clients = 5;
    int max_prepared_statements = 3;
    bool prepare_unnamed = false;
    bool follows_settings = true;
    bool reports_at_once = false;
    // Clients begin with settings of their own.
    bool has_startup = false;
    // Tables are altered, of which a server of a client's own would know nothing.
    bool outdates_plans = false;
  };
  struct Server;
  struct Client {
    Client(ModelWorld& world, size_t id);
    // All that it has asked is answered.
    bool is_served() const { return parked.empty() && got.empty() && expected.empty(); }

    size_t id;
    ClientView view;
    Server* server = nullptr;
    bool has_startup = false;
    bool wants_server = false;
    bool wants_room = false;
    bool replay_due = false;
    bool unproven_values = false;
    bool awaits_replay = false;
    std::string parked;  // sent, and not yet read by us
    ModelPg own;
    std::string own_inbox;
    std::string got;  // not compared yet, as is what is expected
    std::string expected;
  };
  struct Server {
    explicit Server(ModelWorld& world);

    ServerView view;
    Client* client = nullptr;
    bool is_idle = true;
    bool was_reset = false;
    ModelPg pg;
    std::string inbox;    // not yet read by the server
    std::string partial;  // read, but not whole yet
    std::string outbox;   // not yet read by us
  };

  // A client has read what it should not have, or something is left where nothing may be.
  struct Difference {
    std::string text;
  };

  ModelWorld(Random& random, const Rules& rules, bool tells);

  std::vector<Client>& clients() { return clients_; }
  void send(Client& client, const std::string& bytes);
  // Goes without a word; another one comes in its place.
  void leave(Client& client);
  // Something small happens somewhere.
  void turn();
  // Until nothing is left to do.
  void settle_all();

 private:
  void give_server(Client& client);
  void unlink(Client& client);
  void replace(Server& server);
  void settle(Server& server);
  void start_internal(Server& server, const std::string& sql);
  void check_available(Server& server);
  bool replay(Client& client, Egress& egress);
  void feed(Client& client, size_t most);
  void read(Server& server, size_t most);
  bool heed(Client& client, Need need);
  void move(Client& client);
  void move(Server& server);
  void compare(Client& client);
  template <class... Parts>
  void note(const Parts&... parts);
  template <class... Parts>
  void require(bool holds, const Parts&... parts);

  Random& random_;
  const Rules rules_;
  ParameterTable parameters_;
  StatementTable statements_;
  Limits limits_;
  std::vector<char> scratch_ = std::vector<char>(Egress::kMinScratch);
  std::map<std::string, std::string> contents_;  // of servers' statements by their names
  std::vector<Server> servers_;
  std::vector<Client> clients_;
  const bool tells_;
  std::string story_;  // all that has happened, where it tells
  size_t arrivals_ = 0;
};

}  // namespace remuda::session::test
