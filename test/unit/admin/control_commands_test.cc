// RELOAD, SET, SHUTDOWN, DISABLE and ENABLE, and what every command refuses: no workers needed.
#include "unit/admin/fake_control.h"

namespace remuda::admin::control_commands_test {
namespace {

std::string refused(const std::string& text) {
  return "SERROR|C08P01|M" + text + "|";
}

config::Config with_database(const std::string& name) {
  config::Config config;
  config.databases[name].name = name;
  return config;
}

}  // namespace

TEST_CASE("RELOAD answers its tag, or an error of its own code", "[commands]") {
  FakeControl control;
  ConsoleClient client(control);
  CHECK(client.tag("RELOAD") == "RELOAD");
  control.reload_succeeds = false;
  CHECK(client.error("RELOAD;") ==
        "SERROR|CF0000|MRELOAD failed, see logs for additional details|");
  CHECK(control.reloads == 2);
}

TEST_CASE("SET passes key and value on and repeats them in the tag", "[commands]") {
  FakeControl control;
  ConsoleClient client(control);
  CHECK(client.tag("set Max_Client_Conn to '1 0'") == "SET Max_Client_Conn=1 0");
  const std::pair<std::string, std::string> expected("Max_Client_Conn", "1 0");
  REQUIRE(control.settings.size() == 1);
  CHECK(control.settings[0] == expected);
  control.set_succeeds = false;
  CHECK(client.error("SET nosuch = 1") == refused("SET failed"));
}

TEST_CASE("SET of what drivers set is ignored with a notice", "[commands]") {
  FakeControl control;
  ConsoleClient client(control);
  for (const char* name : {"client_encoding", "default_transaction_isolation", "TIMEZONE",
                           "standard_conforming_strings", "DateStyle", "extra_float_digits"}) {
    CAPTURE(name);
    const auto replies = client.ask(std::string("SET ") + name + " = 'x'");
    REQUIRE(replies.size() == 3);
    CHECK(fields_of(replies[0]) == "SNOTICE|C00000|MSET ignored|");
    CHECK(std::string(replies[1].body.c_str()) == "SET");
  }
  CHECK(control.settings.empty());
}

TEST_CASE("SHUTDOWN closes without an answer, its other forms answer at once", "[commands]") {
  FakeControl control;
  ConsoleClient client(control);
  CHECK(client.tag("SHUTDOWN WAIT_FOR_SERVERS") == "SHUTDOWN");
  CHECK(client.tag("shutdown wait_for_clients") == "SHUTDOWN");
  CHECK(client.error("SHUTDOWN now") == refused("invalid command 'SHUTDOWN now', use SHOW HELP;"));
  client.type("SHUTDOWN");
  CHECK(client.ended());
  CHECK(client.receive().empty());
  CHECK(control.shutdowns == std::vector<proxy::Shutdown>{proxy::Shutdown::wait_for_servers,
                                                          proxy::Shutdown::wait_for_clients,
                                                          proxy::Shutdown::none});
}

TEST_CASE("DISABLE and ENABLE set a database's flag", "[commands]") {
  FakeControl control(with_database("Shop"));
  ConsoleClient client(control);
  const auto ledger = control.shared().ledgers.database("Shop");
  CHECK(client.tag("DISABLE Shop") == "DISABLE");
  CHECK(ledger->disabled);
  CHECK(client.tag("ENABLE Shop") == "ENABLE");
  CHECK_FALSE(ledger->disabled);
  CHECK(client.error("DISABLE") == refused("a database is required"));
  CHECK(client.error("ENABLE") == refused("a database is required"));
}

TEST_CASE("commands name the database they do not know, and spare the console", "[commands]") {
  FakeControl control(with_database("shop"));
  ConsoleClient client(control);
  struct Case {
    const char* word;
    const char* verb;
  };
  for (const Case& c :
       {Case{"PAUSE", "pause"}, Case{"KILL", "kill"}, Case{"DISABLE", "disable"},
        Case{"ENABLE", "enable"}, Case{"RECONNECT", "reconnect"}, Case{"WAIT_CLOSE", "wait in"}}) {
    CAPTURE(c.word);
    CHECK(client.error(std::string(c.word) + " Shop") == refused("no such database: Shop"));
    CHECK(client.error(std::string(c.word) + " pgbouncer") ==
          refused("cannot " + std::string(c.verb) + " admin db: pgbouncer"));
  }
  CHECK(client.error("RESUME Shop") == refused("no such database: Shop"));
  CHECK(client.error("RESUME shop") == refused("database shop is not paused"));
  CHECK(client.error("RESUME pgbouncer") == refused("database pgbouncer is not paused"));
}

TEST_CASE("the fallback makes databases for commands, except RESUME and ENABLE", "[commands]") {
  config::Config config;
  config.fallback.emplace().name = "*";
  FakeControl control(config);
  ConsoleClient client(control);
  CHECK(client.error("RESUME a") == refused("no such database: a"));
  CHECK(client.error("ENABLE a") == refused("no such database: a"));
  CHECK(client.tag("PAUSE a") == "PAUSE");
  CHECK(client.tag("DISABLE b") == "DISABLE");
  CHECK(client.tag("ENABLE b") == "ENABLE");
  const auto rows = client.rows("SHOW DATABASES");
  REQUIRE(rows.size() == 3);
  CHECK(rows[0][0] == "a");
  CHECK(rows[0][15] == "1");
  CHECK(rows[1][0] == "b");
  CHECK(client.tag("RESUME a") == "RESUME");
}

TEST_CASE("PAUSE and RESUME without clients", "[commands]") {
  FakeControl control(with_database("shop"));
  ConsoleClient client(control);
  CHECK(client.error("RESUME") == refused("pooler is not paused/suspended"));
  CHECK(client.tag("PAUSE") == "PAUSE");
  CHECK(control.shared().ledgers.paused());
  for (const char* sql : {"PAUSE", "PAUSE shop", "KILL", "KILL shop"}) {
    CAPTURE(sql);
    CHECK(client.error(sql) == refused("already suspended/paused"));
  }
  const auto state = client.rows("SHOW STATE");
  CHECK(state == std::vector<std::vector<std::string>>{
                     {"active", "no"}, {"paused", "yes"}, {"suspended", "no"}});
  CHECK(client.tag("RESUME") == "RESUME");
  CHECK_FALSE(control.shared().ledgers.paused());
  CHECK(client.tag("PAUSE shop") == "PAUSE");
  CHECK(client.tag("PAUSE shop") == "PAUSE");
  CHECK(client.error("RESUME") == refused("pooler is not paused/suspended"));
  CHECK(client.tag("RESUME shop") == "RESUME");
  control.shared().shutdown = proxy::Shutdown::wait_for_servers;
  CHECK(client.error("RESUME") == refused("pooler is shutting down"));
}

TEST_CASE("KILL leaves a database paused until it is resumed by name", "[commands]") {
  FakeControl control(with_database("shop"));
  ConsoleClient client(control);
  CHECK(client.tag("KILL shop") == "KILL");
  CHECK(control.shared().ledgers.database("shop")->paused);
  CHECK(client.error("RESUME") == refused("pooler is not paused/suspended"));
  CHECK(client.tag("RESUME shop") == "RESUME");
}

TEST_CASE("RECONNECT makes every server of a database one of the past", "[commands]") {
  config::Config config = with_database("shop");
  config.databases["mail"].name = "mail";
  FakeControl control(config);
  ConsoleClient client(control);
  const auto shop = control.shared().ledgers.database("shop");
  const auto mail = control.shared().ledgers.database("mail");
  CHECK(client.tag("RECONNECT shop") == "RECONNECT");
  CHECK(shop->epoch == 1);
  CHECK(mail->epoch == 0);
  CHECK(client.tag("RECONNECT") == "RECONNECT");
  CHECK(shop->epoch == 2);
  CHECK(mail->epoch == 1);
  CHECK(client.tag("WAIT_CLOSE") == "WAIT_CLOSE");
  CHECK(client.tag("WAIT_CLOSE shop") == "WAIT_CLOSE");
}

}  // namespace remuda::admin::control_commands_test
