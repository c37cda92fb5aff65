#include "admin/console.h"

#include "unit/admin/fake_control.h"

namespace remuda::admin::console_test {
using namespace std::string_literals;

namespace {

const std::string kReady = "Z\0\0\0\5I"s;

std::string report(char type, const char* severity, const char* code, const std::string& text) {
  return message(type, "S"s + severity + "\0C"s + code + "\0M"s + text + "\0\0"s);
}
std::string error(const std::string& text) {
  return report('E', "ERROR", "08P01", text);
}
std::string fatal(const std::string& text) {
  return report('E', "FATAL", "08P01", text);
}

std::string parameter(const std::string& name, const std::string& value) {
  return message('S', name + "\0"s + value + "\0"s);
}

}  // namespace

TEST_CASE("the greeting, byte for byte but for the key", "[console]") {
  config::Config config;
  config.login_notify_message = "hello";
  FakeControl control(config);
  ConsoleClient client(control);
  const std::string before_key =
      message('R', "\0\0\0\0"s) + parameter("server_version", "1.26.0/bouncer") +
      parameter("client_encoding", "UTF8") + parameter("server_encoding", "UTF8") +
      parameter("DateStyle", "ISO") + parameter("TimeZone", "GMT") +
      parameter("standard_conforming_strings", "on") + parameter("is_superuser", "on") +
      parameter("application_name", "test") + "K\0\0\0\x0c"s;
  const std::string after_key = report('N', "NOTICE", "00000", "hello") + kReady;
  REQUIRE(client.greeting.size() == before_key.size() + 8 + after_key.size());
  CHECK(client.greeting.substr(0, before_key.size()) == before_key);
  CHECK(client.greeting.substr(before_key.size() + 8) == after_key);
  // No worker has this number, so the key can be nobody else's.
  CHECK(load_u32(client.greeting.data() + before_key.size()) >> proxy::CancelKey::kIndexBits ==
        proxy::CancelKey::kConsole);
}

TEST_CASE("errors have severity, code and text only", "[console]") {
  FakeControl control;
  ConsoleClient client(control);
  const auto ask = [&](std::string_view sql) {
    client.type(sql);
    return client.receive();
  };
  CHECK(ask("nonsense 'x'") == error("invalid command 'nonsense 'x'', use SHOW HELP;") + kReady);
  CHECK(ask("") == error("invalid command '', use SHOW HELP;") + kReady);
  CHECK(ask("SHOW nothing ;") ==
        error("invalid command 'SHOW nothing ;', use SHOW HELP;") + kReady);
  CHECK(ask("abcdefghijklmnopq") == error("bad arguments") + kReady);
  CHECK(ask("SHOW VERSION").ends_with("C\0\0\0\x09SHOW\0"s + kReady));
}

TEST_CASE("only admins may run control commands", "[console]") {
  FakeControl control;
  ConsoleClient client(control, false);
  for (const char* sql :
       {"PAUSE", "RESUME", "RELOAD", "SHUTDOWN", "DISABLE x", "SET verbose = 1"}) {
    CAPTURE(sql);
    CHECK(client.error(sql) == "SERROR|C08P01|Madmin access needed|");
  }
  CHECK(control.reloads == 0);
  CHECK(control.shutdowns.empty());
  CHECK(control.settings.empty());
  CHECK(client.rows("SHOW VERSION") == std::vector<std::vector<std::string>>{{"PgBouncer 1.26.0"}});
  const auto replies = client.ask("SET DateStyle = 'ISO'");
  REQUIRE(replies.size() == 3);
  CHECK(fields_of(replies[0]) == "SNOTICE|C00000|MSET ignored|");
}

TEST_CASE("other packets are refused by number", "[console]") {
  for (const char type : {'d', 'c', 'F', '\x01', '\xff'}) {
    CAPTURE(type);
    FakeControl control;
    ConsoleClient client(control);
    client.send(message(type, ""));
    CHECK(client.ended());
    const auto number = std::to_string(static_cast<unsigned char>(type));
    CHECK(client.receive() == error("unsupported packet type for admin console: " + number) +
                                  kReady + fatal("bad packet"));
    io::run_until(control.loop(), [&] { return control.consoles().size() == 0; });
  }
}

TEST_CASE("a Query may come in pieces, but must be one text of bounded length", "[console]") {
  FakeControl control;
  ConsoleClient client(control);
  std::string query;
  wire::query(query, "SHOW STATE");
  for (const char c : query) {
    client.send(std::string_view(&c, 1));
    io::turn(control.loop(), 2);
  }
  CHECK(split(client.receive()).size() == 6);

  for (const std::string& body :
       {"SHOW STATE"s, "SHOW STATE\0x"s, ""s, std::string(5000, 'x') + "\0"s}) {
    ConsoleClient other(control);
    other.send(message('Q', body));
    CHECK(other.ended());
    CHECK(other.receive() == fatal("incomplete pkt"));
  }
  ConsoleClient liar(control);
  liar.send("Q\x7f\xff\xff\xff"s);
  CHECK(liar.ended());
  CHECK(split(liar.receive()).size() == 1);
  ConsoleClient short_one(control);
  short_one.send("Q\0\0\0\3"s);
  CHECK(short_one.ended());
  CHECK(split(short_one.receive()).size() == 1);
  // Nobody else was touched.
  CHECK(client.ask("SHOW STATE").size() == 6);
}

TEST_CASE("Terminate closes quietly, and so does an end", "[console]") {
  FakeControl control;
  ConsoleClient polite(control);
  ConsoleClient gone(control);
  CHECK(control.consoles().size() == 2);
  polite.send(message('X', ""));
  CHECK(polite.ended());
  CHECK(polite.receive().empty());
  gone.leave();
  io::run_until(control.loop(), [&] { return control.consoles().size() == 0; });
}

TEST_CASE("several consoles are served at once, commands of one in order", "[console]") {
  FakeControl control;
  ConsoleClient a(control);
  ConsoleClient b(control);
  a.type("SHOW VERSION");
  a.type("SHOW STATE");
  CHECK(b.ask("SHOW STATE").size() == 6);
  std::string all;
  while (all.find("suspended") == std::string::npos) all += a.receive();
  CHECK(split(all).size() == 4 + 6);
}

TEST_CASE("consoles end when the control loop's tasks are closed", "[console]") {
  FakeControl control;
  ConsoleClient client(control);
  control.tasks().close();
  CHECK(client.ended());
  io::run_until(control.loop(), [&] { return control.consoles().size() == 0; });
}

TEST_CASE("SHOW HELP is a notice with the usage as its detail", "[console]") {
  FakeControl control;
  ConsoleClient client(control);
  const auto replies = client.ask("SHOW HELP");
  REQUIRE(replies.size() == 3);
  CHECK(replies[0].type == 'N');
  CHECK(fields_of(replies[0]).starts_with("SNOTICE|C00000|MConsole usage|D\n\tSHOW HELP"));
  CHECK(replies[1].type == 'C');
}

TEST_CASE("KILL_CLIENT ends a console too", "[console]") {
  FakeControl control;
  ConsoleClient admin(control);
  ConsoleClient other(control);
  CHECK(admin.tag("KILL_CLIENT " + std::to_string(other.id)) == "KILL_CLIENT");
  CHECK(other.ended());
  CHECK(other.receive() == fatal("admin forced disconnect"));
  CHECK(admin.error("KILL_CLIENT 999") == "SERROR|C08P01|Mclient not found|");
  for (const char* sql :
       {"KILL_CLIENT", "KILL_CLIENT x", "KILL_CLIENT 1x", "KILL_CLIENT 99999999999999999999999"}) {
    CHECK(admin.error(sql) == "SERROR|C08P01|Minvalid client pointer supplied|");
  }
}

}  // namespace remuda::admin::console_test
