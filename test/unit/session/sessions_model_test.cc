// Many clients on few servers with all that makes a session: settings in all their forms,
// transactions and savepoints, statements prepared by protocol and by SQL, portals; in simple
// queries of several statements and in pipelines, with errors anywhere, by clients that leave in
// the middle. Each must read what it would read from a server of its own.
#include "support/catch.h"
#include "unit/session/messages.h"
#include "unit/session/model_program.h"

namespace remuda::session::test::sessions_model_test {
using namespace std::string_literals;

namespace {

using Block = ModelSession::Block;

class Sessions : public ModelProgram {
 public:
  Sessions(unsigned seed, bool tells)
      : ModelProgram(seed, rules(seed), tells), kind_(static_cast<Kind>(seed % 3)) {}

 private:
  // A Parse that we answer ourselves succeeds in a transaction of which it is not known yet that it
  // has failed, so with transactions either clients wait for their answers or they name no
  // statements by protocol, and none is kept for them.
  enum class Kind { no_transactions, waits, unnamed };

  static ModelWorld::Rules rules(unsigned seed);
  // RESET goes to the client's start-up values when it has another server, or the same again.
  bool waits(const Client& client) const override {
    return kind_ == Kind::waits || client.has_startup;
  }
  void say(Client& client) override;

  std::string name() { return random_.one_of({"a"s, "b"s, "c"s}); }
  std::string setting();
  std::string value();
  std::string assignment();
  std::string set_config(bool has_parameters);
  std::string change(const Client& client, bool is_alone);
  std::string transaction();
  std::string prepared(const Client& client);
  std::string statement(const Client& client, bool is_alone, bool is_simple);
  std::string text(const Client& client);
  void batch(Client& client);
  void parts(Client& client);
  void whole(Client& client, const std::string& sql);
  std::vector<std::string> values(const Client& client, const std::string& name);
  std::string portal() { return random_.one_of({""s, ""s, "p"s}); }
  std::string execute(const std::string& portal);

  const Kind kind_;
};

ModelWorld::Rules Sessions::rules(unsigned seed) {
  Random random(seed);
  ModelWorld::Rules rules;
  rules.servers = 1 + random.below(3);
  rules.clients = 1 + random.below(5);
  rules.max_prepared_statements = 1 + static_cast<int>(random.below(4));
  rules.prepare_unnamed = static_cast<Kind>(seed % 3) != Kind::unnamed && random.once_in(4);
  rules.reports_at_once = random.once_in(3);
  rules.has_startup = random.once_in(3);
  return rules;
}

// ---- Texts

std::string Sessions::setting() {
  return random_.one_of({"app.a"s, "app.a"s, "App.B"s, "search_path"s, "statement_timeout"s,
                         "work_mem"s, "application_name"s, "datestyle"s, "role"s});
}

std::string Sessions::value() {
  return random_.one_of({"1"s, "'2'"s, "iso"s, "'Sql'"s, "'it''s'"s, "E'a\\\\b'"s, "x, y"s});
}

// SET in its forms; some of them fail.
std::string Sessions::assignment() {
  const std::string scope = random_.one_of({""s, ""s, "session "s, "local "s, "LOCAL "s});
  if (random_.once_in(12)) return "set " + scope + "role " + random_.one_of({"joe"s, "none"s});
  return random_.one_of({"set "s, "SET "s}) + scope + setting() + random_.one_of({" to "s, "="s}) +
         value();
}

std::string Sessions::set_config(bool has_parameters) {
  if (has_parameters) {
    return random_.one_of({"select set_config($1, $2, $3)"s,
                           "select pg_catalog.set_config('app.a', $1, false)"s,
                           "select set_config('app.b', '5', $1::bool)"s});
  }
  const auto call = [&] {
    const std::string value = random_.one_of({"'1'"s, "'iso'"s, "'it''s'"s});
    return "set_config('" + setting() + "', " + value +
           random_.one_of({", false)"s, ", true)"s, ", 'f')"s});
  };
  return "select " + call() + (random_.once_in(3) ? " as x, " + call() : "");
}

std::string Sessions::change(const Client& client, bool is_alone) {
  if (client.has_startup && !is_alone) return assignment();
  if (is_alone && random_.once_in(8)) {
    return random_.one_of({"set session authorization joe"s, "reset session authorization"s});
  }
  switch (random_.below(8)) {
    case 0:
      return "reset all";
    case 1:
      return "reset " + setting();
    case 2:
      return "set " + random_.one_of({""s, "local "s}) + setting() + " to default";
    case 3:
      return "select set_config('app.a', null, false)";
    default:
      return assignment();
  }
}

std::string Sessions::transaction() {
  const std::string name = random_.one_of({"s"s, "t"s});
  switch (random_.below(11)) {
    case 0:
    case 1:
    case 2:
      return "begin";
    case 3:
    case 4:
      return random_.one_of({"commit"s, "COMMIT"s, "commit and chain"s});
    case 5:
      return random_.one_of({"rollback"s, "rollback"s, "rollback and chain"s});
    case 6:
    case 7:
      return "savepoint " + name;
    case 8:
    case 9:
      return "rollback to " + name;
    default:
      return "release " + name;
  }
}

// PREPARE, EXECUTE and DEALLOCATE by SQL.
std::string Sessions::prepared(const Client& client) {
  const bool is_typed = random_.once_in(4);
  const std::string name = is_typed ? "d" : this->name();
  const ModelPrepared* known = client.own.find(name);
  switch (random_.below(4)) {
    case 0:
      if (is_typed) return "prepare d (int) as select $1";
      return "prepare " + name + " as " +
             random_.one_of({"select 1"s, "select 2"s, "select $1"s, "select fail"s,
                             set_config(false), set_config(true)});
    case 1:
      return "deallocate " + name;
    default: {
      // What the server's protocol has prepared may be of other kinds.
      if (known && !known->sql.is(0, "select")) return "select 3";
      std::string arguments;
      for (const std::string& value : values(client, name)) {
        const std::string literal = value == "null" ? value : '\'' + value + '\'';
        arguments += (arguments.empty() ? "(" : ", ") + literal;
      }
      return "execute " + name + arguments + (arguments.empty() ? "" : ")");
    }
  }
}

std::string Sessions::statement(const Client& client, bool is_alone, bool is_simple) {
  switch (random_.below(is_simple ? 28 : 24)) {
    case 0:
      return random_.one_of({"select fail"s, "select fail"s, "bad"s});
    case 1:
      return "select defer";
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
      return kind_ == Kind::no_transactions ? "select 4" : transaction();
    case 9:
    case 10:
    case 11:
    case 12:
    case 13:
      return change(client, is_alone);
    case 14:
    case 15:
      return set_config(false);
    case 16:
      return "show " + setting();
    case 17:
      if (client.has_startup && !is_alone) return "";
      return random_.one_of({"discard all"s, "deallocate all"s, ""s});
    case 24:
    case 25:
    case 26:
    case 27:
      return prepared(client);
    default:
      return random_.one_of({"select 1"s, "select 2"s, "select 3"s});
  }
}

std::string Sessions::text(const Client& client) {
  const bool is_alone = client.own.session().block() == Block::none;
  if (random_.once_in(2)) return statement(client, is_alone, true);
  std::string text;
  bool is_emptied = false;
  for (size_t n = 1 + random_.below(4); n > 0; --n) {
    const std::string next = statement(client, false, !is_emptied);
    is_emptied |= next == "deallocate all" || next == "discard all";
    text += next + random_.one_of({";"s, " ; "s, ";;"s});
  }
  return text;
}

// ---- Messages

std::vector<std::string> Sessions::values(const Client& client, const std::string& name) {
  const ModelPrepared* known = client.own.find(name);
  if (!known) return {};
  const std::string value = std::to_string(random_.below(9));
  const std::string local = random_.one_of({"t"s, "f"s, "false"s});
  switch (known->sql.parameters()) {
    case 0:
      return {};
    case 1:
      if (known->sql.text().find("$1 : : bool") != std::string::npos) return {local};
      return {value};
    default:
      return {setting(), random_.once_in(9) && !client.has_startup ? "null" : value, local};
  }
}

std::string Sessions::execute(const std::string& portal) {
  return execute_message(portal, random_.once_in(4) ? 1 : 0);
}

// Parse, Bind and Execute of one statement without a name.
void Sessions::whole(Client& client, const std::string& sql) {
  const std::string portal = this->portal();
  world_.send(client, parse_message("", sql));
  const std::vector<std::string> arguments = values(client, "");
  std::string rest = bind_message(portal, "", arguments);
  if (random_.once_in(2)) rest += message('D', "P" + zero_ended(portal));
  rest += execute(portal);
  if (!portal.empty() && random_.once_in(2)) rest += message('C', "P" + zero_ended(portal));
  world_.send(client, rest);
}

// One message of the extended protocol, about anything.
void Sessions::parts(Client& client) {
  const bool is_named = kind_ != Kind::unnamed && !random_.once_in(3);
  const std::string name = is_named ? this->name() : "";
  switch (random_.below(10)) {
    case 0:
    case 1:
    case 2: {
      const std::string sql =
          random_.once_in(4) ? set_config(true) : statement(client, false, false);
      return world_.send(client, parse_message(name, sql));
    }
    case 3:
    case 4:
    case 5:
    case 6: {
      const std::string portal = this->portal();
      world_.send(client, bind_message(portal, name, values(client, name)));
      return random_.once_in(5) ? void() : world_.send(client, execute(portal));
    }
    case 7: {
      // Nothing can be prepared for it there.
      if (client.own.session().block() == Block::failed) return;
      // PostgreSQL describes what EXECUTE named when it was parsed, which the model does not keep.
      const ModelPrepared* const known = client.own.find(name);
      if (known && known->sql.is(0, "execute") && !client.own.find(known->sql.tokens.at(1).text)) {
        return;
      }
      return world_.send(client, message('D', "S" + zero_ended(name)));
    }
    case 8:
      return world_.send(client, message('C', "S" + zero_ended(name)));
    default:
      return world_.send(client, random_.once_in(2) ? execute(portal()) : flush());
  }
}

void Sessions::batch(Client& client) {
  for (size_t n = 1 + random_.below(5); n > 0; --n) {
    if (kind_ != Kind::unnamed && random_.once_in(10)) {
      whole(client, prepared(client));
    } else if (random_.once_in(2)) {
      whole(client, random_.once_in(4) ? set_config(true) : statement(client, false, false));
    } else {
      parts(client);
    }
    if (!waits(client) && random_.once_in(6)) world_.send(client, sync());
  }
  world_.send(client, random_.once_in(4) ? flush() : sync());
}

void Sessions::say(Client& client) {
  if (random_.once_in(2)) {
    world_.send(client, query(text(client)));
  } else {
    batch(client);
  }
}

}  // namespace

TEST_CASE("each client's session is as on a server of its own") {
  run_model_programs<Sessions>(500);
}

}  // namespace remuda::session::test::sessions_model_test
