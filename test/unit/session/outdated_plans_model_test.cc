// Random programs of clients that run prepared statements while tables are altered: where every
// batch asks for a description, none of them ever notices.
#include "support/catch.h"
#include "unit/session/messages.h"
#include "unit/session/model_program.h"

namespace remuda::session::test::outdated_plans_model_test {
using namespace std::string_literals;

namespace {

class OutdatedPlans : public ModelProgram {
 public:
  OutdatedPlans(unsigned seed, bool tells) : ModelProgram(seed, rules(seed), tells) {}

 private:
  static ModelWorld::Rules rules(unsigned seed);
  bool waits(const Client&) const override { return true; }
  void say(Client& client) override;
  std::string name() { return random_.one_of({"a"s, "b"s, "c"s, "d"s}); }
};

ModelWorld::Rules OutdatedPlans::rules(unsigned seed) {
  Random random(seed);
  ModelWorld::Rules rules;
  rules.servers = 1 + random.below(3);
  rules.clients = 1 + random.below(5);
  rules.max_prepared_statements = 1 + static_cast<int>(random.below(4));
  rules.prepare_unnamed = random.once_in(3);
  rules.follows_settings = random.once_in(2);
  rules.outdates_plans = true;
  return rules;
}

void OutdatedPlans::say(Client& client) {
  const std::string name = this->name();
  const ModelPrepared* const known = client.own.find(name);
  const std::string sql = random_.one_of({"select 1"s, "select 2"s, "select $1"s});
  std::string batch;
  if (!known || random_.once_in(8)) {
    batch += parse_message(name, sql);
    if (random_.once_in(3)) batch += message('D', "S" + zero_ended(name));
  } else if (random_.once_in(8)) {
    batch += message('C', "S" + zero_ended(name));
  } else if (random_.once_in(8)) {
    batch += message('D', "S" + zero_ended(name));
  } else {
    const std::vector<std::string> values(known->sql.parameters(), "7");
    for (size_t n = 1 + random_.below(3); n > 0; --n) {
      batch += bind_message("", name, values) + message('D', "P" + zero_ended("")) +
               execute_message("", random_.once_in(4) ? 1 : 0);
    }
  }
  world_.send(client, batch + sync());
}

}  // namespace

TEST_CASE("no client that asks for descriptions notices that its plans are outdated") {
  run_model_programs<OutdatedPlans>(300);
}

}  // namespace remuda::session::test::outdated_plans_model_test
