// Many clients with equal and different prepared statements on few servers, in random orders, with
// errors, evictions, pipelines and cuts anywhere, and no settings that follow: each client must
// read what it would read from a server of its own. REMUDA_ROUNDS: how many orders.
#include "support/catch.h"
#include "unit/session/messages.h"
#include "unit/session/model_program.h"

namespace remuda::session::test::statements_model_test {
using namespace std::string_literals;

namespace {

class Orders : public ModelProgram {
 public:
  Orders(unsigned seed, bool tells)
      : ModelProgram(seed, rules(seed), tells),
        has_transactions_(seed % 2 == 0),
        uses_sql_(seed % 3 == 0) {}

 private:
  static ModelWorld::Rules rules(unsigned seed) {
    ModelWorld::Rules rules;
    rules.max_prepared_statements = 1 + static_cast<int>(seed / 2 % 4);
    rules.prepare_unnamed = seed / 8 % 4 == 0;
    rules.follows_settings = false;
    return rules;
  }

  // A Parse that we answer ourselves succeeds in a failed transaction, if that is not known to have
  // failed yet: with transactions, clients wait for their answers.
  bool waits(const Client&) const override { return has_transactions_; }

  void say(Client& client) override {
    const std::string queries[] = {"select 1", "select fail", "deallocate all", "begin",
                                   "rollback"};
    if (uses_sql_ && random_.once_in(6)) return world_.send(client, query(command()));
    if (random_.once_in(4)) {
      return world_.send(client, query(queries[random_.below(has_transactions_ ? 5 : 3)]));
    }
    for (size_t n = 1 + random_.below(6); n > 0; --n) world_.send(client, some_message(client));
    world_.send(client, random_.once_in(3) ? flush() : sync());
  }

  std::string some_message(const Client& client) {
    const std::string name = random_.one_of({""s, ""s, "a"s, "b"s, "c"s});
    const std::string portal = random_.one_of({""s, "p"s});
    switch (random_.below(10)) {
      case 0:
      case 1:
      case 2:
        if (uses_sql_ && random_.once_in(2)) return parse_message("", command());
        return parse_message(name, text(!name.empty()));
      case 3:
      case 4:
      case 5:
        return bind_message(portal, name, values(client, name)) + execute_message(portal);
      case 6:
        return message('D', "S" + zero_ended(name));
      case 7:
        return message('C', "S" + zero_ended(name));
      case 8:
        return flush();
      default:
        return has_transactions_ ? flush() : sync();
    }
  }

  std::string command() {
    return random_.one_of({"prepare a as select 1"s, "prepare b as select 2"s,
                           "prepare c as select fail"s, "prepare b as bad"s, "execute a"s,
                           "execute b"s, "execute c"s, "deallocate a"s, "deallocate b"s});
  }

  // EXECUTE brings only what PREPARE takes to another server.
  std::string text(bool is_named) {
    if (random_.once_in(16) && !(uses_sql_ && is_named)) return "deallocate all";
    if (random_.once_in(8)) return random_.one_of({"select fail"s, "bad"s});
    return random_.one_of({"select 1"s, "select 2"s, "select 3"s, "select $1"s});
  }

  std::vector<std::string> values(const Client& client, const std::string& name) {
    const ModelPrepared* known = client.own.find(name);
    if (!known || known->sql.parameters() == 0) return {};
    return {std::to_string(random_.below(100))};
  }

  const bool has_transactions_;
  const bool uses_sql_;  // PREPARE, EXECUTE, DEALLOCATE
};

}  // namespace

TEST_CASE("each client's prepared statements are as on a server of its own") {
  run_model_programs<Orders>(300);
}

}  // namespace remuda::session::test::statements_model_test
