// Many clients with equal and different prepared statements on few servers, in random orders, with
// errors, evictions, pipelines and cuts anywhere: each client must read what it would read from a
// server of its own. REMUDA_ROUNDS: how many orders.
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <sstream>

#include "remuda/session/conversation.h"
#include "remuda/wire/reader.h"
#include "support/catch.h"
#include "unit/session/messages.h"

using namespace std::string_literals;
using namespace std::string_view_literals;

namespace remuda::session::test {
namespace {

std::string coded_error(std::string_view code) {
  return message('E', "C" + zero_ended(code) + '\0');
}

// As much of PostgreSQL as decides about prepared statements.
class ModelPg {
 public:
  // Whole messages of `bytes` are answered and taken out.
  std::string answer(std::string& bytes) {
    std::string replies;
    while (bytes.size() >= 5 && bytes.size() > load_u32(bytes.data() + 1)) {
      const size_t size = size_t{1} + load_u32(bytes.data() + 1);
      replies += answer_one(bytes[0], ByteView(bytes).substr(5, size - 5));
      bytes.erase(0, size);
    }
    return replies;
  }
  char status() const { return status_; }
  size_t statements() const { return named_.size(); }

 private:
  std::string answer_one(char type, ByteView body) {
    if (type == 'S') return end_batch();
    if (skips_) return "";
    if (type == 'H') return "";
    wire::Reader reader(body);
    switch (type) {
      case 'Q':
        return simple(reader.cstring());
      case 'P': {
        const ByteView name = reader.cstring();
        return parse(std::string(name), std::string(reader.cstring()));
      }
      case 'B': {
        const ByteView portal = reader.cstring();
        const ByteView name = reader.cstring();
        return bind(std::string(portal), std::string(name), reader.rest());
      }
      case 'D':
        reader.u8();
        return describe(std::string(reader.cstring()));
      case 'E':
        return execute(std::string(reader.cstring()));
      case 'C':
        reader.u8();
        return close(std::string(reader.cstring()));
      default:
        FAIL("a message that the model does not know");
        return "";
    }
  }

  std::string end_batch() {
    skips_ = false;
    if (status_ == 'I') portals_.clear();
    return ready(status_);
  }

  std::string fail(std::string_view code, bool simple = false) {
    if (status_ == 'T') status_ = 'E';
    skips_ = !simple;
    return coded_error(code);
  }

  std::string simple(ByteView sql) {
    unnamed_.reset();
    if (status_ == 'I' || sql == "rollback") portals_.clear();
    if (sql == "begin") status_ = 'T';
    if (sql == "rollback") status_ = 'I';
    const bool fails = status_ == 'E' || sql == "fail";
    const std::string outcome = fails ? fail("22012", true) : run(std::string(sql));
    return outcome + ready(status_);
  }

  std::string run(const std::string& sql) {
    if (sql == "deallocate all") {
      named_.clear();
      return complete("DEALLOCATE ALL");
    }
    return data_row(sql) + complete("SELECT 1");
  }

  std::string parse(const std::string& name, const std::string& sql) {
    if (name.empty()) unnamed_.reset();
    if (status_ == 'E') return fail("25P02");
    if (sql == "bad") return fail("42601");
    if (name.empty()) {
      unnamed_ = sql;
    } else if (!named_.emplace(name, sql).second) {
      return fail("42P05");
    }
    return parse_complete();
  }

  const std::string* find(const std::string& name) const {
    if (name.empty()) return unnamed_ ? &*unnamed_ : nullptr;
    const auto at = named_.find(name);
    return at == named_.end() ? nullptr : &at->second;
  }

  std::string bind(const std::string& portal, const std::string& name, ByteView values) {
    const std::string* sql = find(name);
    if (!sql) return fail("26000");
    if (status_ == 'E') return fail("25P02");
    portals_[portal] = {*sql, std::string(values)};
    return bind_complete();
  }

  std::string describe(const std::string& name) {
    const std::string* sql = find(name);
    if (!sql) return fail("26000");
    if (status_ == 'E') return fail("25P02");
    return message('t', *sql) + message('T', *sql);
  }

  std::string execute(const std::string& portal) {
    const auto at = portals_.find(portal);
    if (at == portals_.end()) return fail("34000");
    if (status_ == 'E') return fail("25P02");
    if (at->second.first == "fail") return fail("22012");
    if (at->second.first == "deallocate all") return run(at->second.first);
    return data_row(at->second.first + at->second.second) + complete("SELECT 1");
  }

  std::string close(const std::string& name) {
    if (name.empty()) {
      unnamed_.reset();
    } else {
      named_.erase(name);
    }
    return close_complete();
  }

  std::map<std::string, std::string> named_;
  std::optional<std::string> unnamed_;
  std::map<std::string, std::pair<std::string, std::string>> portals_;
  char status_ = 'I';
  bool skips_ = false;
};

// Messages as text; of errors only the SQLSTATE, and that not where there may be several reasons: a
// failed transaction, a name that is in use or unknown, a text that is wrong.
std::string normal(std::string_view bytes) {
  std::ostringstream out;
  while (bytes.size() >= 5) {
    const size_t size = size_t{1} + load_u32(bytes.data() + 1);
    REQUIRE(bytes.size() >= size);
    std::string_view body = bytes.substr(5, size - 5);
    out << bytes[0];
    if (bytes[0] == 'E') {
      const size_t code = body[0] == 'C' ? 1 : body.find("\0C"sv) + 2;
      const std::string_view state = body.substr(code, 5);
      const bool either =
          state == "25P02" || state == "42P05" || state == "26000" || state == "42601";
      out << (either ? "either" : state);
    } else {
      for (const char c : body) out << (c == '\0' ? ' ' : c);
    }
    out << '\n';
    bytes.remove_prefix(size);
  }
  return out.str();
}

class World {
 public:
  explicit World(unsigned seed) : random_(seed), has_transactions_(seed % 2 == 0) {
    limits_.statements = &statements_;
    limits_.max_prepared_statements = 1 + below(4);
    limits_.prepare_unnamed = below(4) == 0;
    for (Client& client : clients_) {
      client.view.release = Release::transaction;
      client.view.parameters = parameters_.empty_set();
    }
    for (Server& server : servers_) {
      server.view.parameters = server.view.reported = parameters_.empty_set();
    }
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      if (below(3) == 0) say(clients_[below(std::size(clients_))]);
      turn();
    }
    for (Client& client : clients_) {
      if (client.awaits_sync) send(client, sync());
      send(client, query("rollback"));
    }
    for (int idle = 0; idle < 2000; ++idle) turn();
    for (Client& client : clients_) {
      REQUIRE(normal(client.got) == normal(client.expected));
    }
    for (Server& server : servers_) {
      REQUIRE(server.view.is_quiet());
      REQUIRE(server.view.changes.empty());
      REQUIRE(server.view.statements.size() == server.pg.statements());
      // A portal that one batch binds and another executes may end statements unforeseen.
      REQUIRE((has_transactions_ || !server.view.suspect));
    }
  }

 private:
  struct Server;
  struct Client {
    ClientView view;
    Server* server = nullptr;
    bool wants_server = false;
    bool wants_room = false;
    bool awaits_sync = false;
    std::string parked;
    std::string got;
    ModelPg own;
    std::string own_inbox;
    std::string expected;
  };
  struct Server {
    ServerView view;
    Client* client = nullptr;
    ModelPg pg;
    std::string inbox;    // not yet read by the server
    std::string partial;  // read, but not whole yet
    std::string outbox;   // not yet read by us
  };

  size_t below(size_t n) { return random_() % n; }
  template <class T, size_t n>
  const T& one_of(const T (&choices)[n]) {
    return choices[below(n)];
  }

  std::string some_message() {
    static const std::string kNames[] = {"", "", "a", "b", "c"};
    static const std::string kTexts[] = {"1", "2", "3", "4", "5", "fail", "bad", "deallocate all"};
    static const std::string kPortals[] = {"", "p"};
    const std::string name = zero_ended(one_of(kNames));
    switch (below(10)) {
      case 0:
      case 1:
      case 2:
        return message('P', name + zero_ended(kTexts[std::min(below(16), below(8))]) + "\0\0"s);
      case 3:
      case 4:
      case 5:
        return message('B', zero_ended(one_of(kPortals)) + name + std::to_string(below(100))) +
               message('E', zero_ended(one_of(kPortals)) + "\0\0\0\0"s);
      case 6:
        return message('D', "S" + name);
      case 7:
        return message('C', "S" + name);
      case 8:
        return flush();
      default:
        return has_transactions_ ? flush() : sync();
    }
  }

  // A client sends some messages, whole or not.
  void say(Client& client) {
    static const std::string kQueries[] = {"1", "fail", "deallocate all", "begin", "rollback"};
    if (has_transactions_ && (client.view.in_query || !client.parked.empty())) return;
    if (!client.awaits_sync && below(4) == 0) {
      return send(client, query(kQueries[below(has_transactions_ ? 5 : 3)]));
    }
    std::string bytes;
    for (size_t n = 1 + below(6); n > 0; --n) bytes += some_message();
    client.awaits_sync = below(3) == 0;
    bytes += client.awaits_sync ? flush() : sync();
    send(client, bytes);
  }

  void send(Client& client, const std::string& bytes) {
    client.own_inbox += bytes;
    client.expected += client.own.answer(client.own_inbox);
    client.parked += bytes;
  }

  // Something small happens somewhere.
  void turn() {
    Client& client = clients_[below(std::size(clients_))];
    if (client.wants_server) give_server(client);
    if (!client.wants_server) feed(client, below(2) ? client.parked.size() : below(40));
    Server& server = servers_[below(std::size(servers_))];
    const std::string part = server.inbox.substr(0, below(2) ? server.inbox.size() : below(60));
    server.inbox.erase(0, part.size());
    server.partial += part;
    server.outbox += server.pg.answer(server.partial);
    read(server, below(2) ? server.outbox.size() : below(30));
  }

  void give_server(Client& client) {
    for (Server& server : servers_) {
      if (server.client || !server.view.is_quiet()) continue;
      server.client = &client;
      client.server = &server;
      client.wants_server = false;
      return;
    }
  }

  void unlink(Client& client) {
    client.server->client = nullptr;
    client.server = nullptr;
    client.wants_room = false;
  }

  // Up to `most` bytes of what the client has sent are read.
  void feed(Client& client, size_t most) {
    if (client.wants_room) return;
    size_t left = std::min(most, client.parked.size());
    while (true) {
      const std::vector<char> bytes(client.parked.begin(),
                                    client.parked.begin() + static_cast<ptrdiff_t>(left));
      Egress egress(scratch_);
      const Progress progress =
          from_client(client.view, client.server ? &client.server->view : nullptr,
                      {bytes.data(), bytes.size()}, egress, limits_);
      if (client.server) append(egress, client.server->inbox);
      if (client.server && has_answers(client.server->view)) {
        Egress answers(scratch_);
        take_answers(client.server->view, answers);
        append(answers, client.got);
      }
      client.parked.erase(0, progress.consumed);
      left -= progress.consumed;
      if (progress.need == Need::release) {
        unlink(client);
      } else if (progress.need == Need::server) {
        client.wants_server = true;
        return;
      } else if (progress.need == Need::room) {
        client.wants_room = true;
        return;
      } else if (progress.need != Need::flush) {
        REQUIRE(progress.need == Need::none);
        return;
      }
    }
  }

  void read(Server& server, size_t most) {
    const std::string part = server.outbox.substr(0, most);
    server.outbox.erase(0, part.size());
    ByteView bytes = part;
    Client* const to = server.client;
    while (true) {
      Egress egress(scratch_);
      const Progress progress =
          from_server(server.view, to ? &to->view : nullptr, bytes, egress, limits_);
      bytes.remove_prefix(progress.consumed);
      if (to) append(egress, to->got);
      if (progress.need == Need::flush) continue;
      if (progress.need == Need::release) {
        REQUIRE(bytes.empty());
        unlink(*to);
        return;
      }
      REQUIRE(progress.need == Need::none);
      break;
    }
    if (to) to->wants_room = false;
  }

  static void append(Egress& egress, std::string& to) {
    for (const iovec& run : egress.runs()) to.append(static_cast<char*>(run.iov_base), run.iov_len);
  }

  std::mt19937 random_;
  // A Parse that we answer ourselves succeeds in a failed transaction, if that is not known to have
  // failed yet: with transactions, clients wait for their answers.
  const bool has_transactions_;
  ParameterTable parameters_;
  StatementTable statements_;
  Limits limits_;
  std::vector<char> scratch_ = std::vector<char>(Egress::kMinScratch);
  Server servers_[2];
  Client clients_[5];
};

}  // namespace

TEST_CASE("each client's prepared statements are as on a server of its own") {
  const char* const rounds = std::getenv("REMUDA_ROUNDS");
  const int seeds = rounds ? std::atoi(rounds) : 300;
  for (int seed = 0; seed < seeds; ++seed) {
    INFO("seed " << seed);
    World world(static_cast<unsigned>(seed));
    world.run(150);
  }
}

}  // namespace remuda::session::test
