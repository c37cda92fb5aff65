#include "soak/visitor.h"

#include "soak/questions.h"
#include "soak/transactions.h"

namespace remuda::soak {

using namespace test;

namespace {

struct Act {
  const char* name;
  void (*act)(Visit&);
  unsigned weight;
};

const std::vector<Act> kQuestions = {
    {"asking", ask_simple, 20},
    {"asking with parameters", ask_extended, 10},
    {"asking a prepared statement", ask_prepared, 12},
    {"asking twice", ask_several, 4},
    {"a pipeline", ask_pipelined, 8},
    {"a large result", ask_large, 2},
    {"an error", ask_wrongly, 4},
    {"cancelling", ask_and_cancel, 4},
    {"COPY to us", copy_out, 3},
    {"SET", set_something, 3},
    {"SHOW of what was set", check_settings, 4},
    {"leaving early", ask_and_vanish, 1},
};
const std::vector<Act> kTransactions = {
    {"a transfer", transfer, 20},
    {"the sum", check_sum, 4},
    {"COPY from us", copy_in, 4},
    {"failing in a transaction", fail_in_transaction, 3},
    {"SET and ROLLBACK", set_and_roll_back, 3},
};
const std::vector<Act> kStatements = {{"BEGIN in statement mode", begin_where_refused, 2}};
const std::vector<Act> kSessions = {
    {"failing in a transaction", fail_in_transaction, 3},
    {"SET and ROLLBACK", set_and_roll_back, 3},
};

std::vector<Act> acts_of(const Entry& entry) {
  std::vector<Act> all = kQuestions;
  const auto& more = entry.mode == Mode::transaction ? kTransactions
                     : entry.mode == Mode::session   ? kSessions
                                                     : kStatements;
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

const Act& choose(const std::vector<Act>& acts, std::mt19937& random) {
  unsigned total = 0;
  for (const Act& act : acts) total += act.weight;
  auto left = static_cast<unsigned>(random() % total);
  for (const Act& act : acts) {
    if (left < act.weight) return act;
    left -= act.weight;
  }
  return acts.back();
}

// An error that arrives between two questions is a notice to libpq, and the next question meets the
// end.
PqError told_before(const Pq& pq, const PqError& error) {
  if (!error.sqlstate.empty()) return error;
  for (const std::string& notice : pq.notices()) {
    const std::string mark = "FATAL:  ";
    if (notice.rfind(mark, 0) == 0) return {notice.substr(mark.size(), 5), notice};
  }
  return error;
}

class Visitor {
 public:
  Visitor(World& world, int number, unsigned seed)
      : world_(world),
        number_(number),
        random_(seed + static_cast<unsigned>(number)),
        entry_(entries()[static_cast<size_t>(number) % entries().size()]) {}

  void run() {
    while (!world_.is_over) {
      tag_ = "v" + std::to_string(number_) + "-" + std::to_string(++visits_) + ".";
      switch (random_() % 24) {
        case 0:
          break_login_off();
          break;
        case 1:
          log_in_wrongly();
          break;
        default:
          stay();
      }
    }
  }

 private:
  // Some way into a login, and gone.
  void break_login_off() {
    doing_ = "breaking a login off";
    const Address address = address_of(world_, entry_, tag_);
    const std::string text =
        "host=" + address.host + " port=" + std::to_string(address.port) +
        " dbname=" + address.dbname + " user=" + address.user +
        " gssencmode=disable sslmode=" + (entry_.has_tls ? "require" : "disable");
    PGconn* connection = PQconnectStart(text.c_str());
    for (auto left = random_() % 4; left > 0 && PQstatus(connection) != CONNECTION_BAD; --left) {
      std::this_thread::sleep_for(milliseconds(random_() % 4));
      PQconnectPoll(connection);
    }
    PQfinish(connection);
    ++world_.counts.vanished;
  }

  void log_in_wrongly() {
    if (*entry_.password == '\0') return;
    doing_ = "logging in with a wrong password";
    Address address = address_of(world_, entry_, tag_);
    address.password = "wrong";
    const auto since = Clock::now();
    const PqError error = pq_error([&] { Pq pq(address); });
    if (error.message.find("authentication failed") != std::string::npos) return;
    judge(error, since, since);
  }

  void stay() {
    doing_ = "logging in";
    const auto since = Clock::now();
    std::unique_ptr<Visit> visit;
    const PqError error =
        pq_error([&] { visit = std::make_unique<Visit>(world_, entry_, tag_, random_); });
    if (visit) return use(*visit);
    judge(error, since, since);
    // Where logins are refused for a while there is no point in haste.
    std::this_thread::sleep_for(milliseconds(5 + random_() % 20));
  }

  void use(Visit& visit) {
    try {
      act(visit);
    } catch (const PqError& error) {
      judge(told_before(visit.pq(), error), visit.connected, visit.busy);
    } catch (const std::exception& error) {
      world_.failures.add(who() + error.what());
    }
  }

  void act(Visit& visit) {
    static const std::vector<Act> acts[] = {acts_of({"", "", "", Mode::transaction, false}),
                                            acts_of({"", "", "", Mode::session, false}),
                                            acts_of({"", "", "", Mode::statement, false})};
    const auto mode = static_cast<size_t>(entry_.mode);
    doing_ = "beginning";
    if (entry_.mode == Mode::session) begin_session(visit);
    for (auto left = 1 + random_() % 40; left > 0 && !visit.has_left() && !world_.is_over; --left) {
      const Act& next = choose(acts[mode], random_);
      doing_ = next.name;
      if (entry_.mode != Mode::session) visit.busy = Clock::now();
      next.act(visit);
      if (random_() % 8 == 0) std::this_thread::sleep_for(milliseconds(random_() % 20));
    }
  }

  void judge(const PqError& error, Clock::time_point connected, Clock::time_point busy) {
    if (world_.disturbances.explain(error, {entry_.database, tag_, connected, busy}))
      ++world_.counts.disturbed;
    else
      world_.failures.add(who() + error.what());
  }

  std::string who() const { return tag_ + " in " + entry_.database + ", " + doing_ + ": "; }

  World& world_;
  const int number_;
  std::mt19937 random_;
  const Entry& entry_;
  int visits_ = 0;
  std::string tag_;
  const char* doing_ = "";
};

}  // namespace

void be_visitor(World& world, int number, unsigned seed) {
  try {
    Visitor(world, number, seed).run();
  } catch (const std::exception& error) {
    world.failures.add("visitor " + std::to_string(number) + ": " + error.what());
  }
}

}  // namespace remuda::soak
