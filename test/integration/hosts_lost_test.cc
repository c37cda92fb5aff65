// Databases whose hosts are scripted: what becomes of servers, dials and clients when a host is
// lost, moves, or belongs to others only.
#include <cstdlib>
#include <filesystem>

#include "support/catch.h"
#include "support/checked_host.h"
#include "support/patroni_server.h"
#include "support/remuda_process.h"

namespace remuda::test::hosts_lost_test {
namespace {

constexpr const char* kChecks = R"(
health_check_user = trust_user
health_check_interval = 0.2
health_check_fast_interval = 0.05
health_check_timeout = 0.3
slow_start = 0
)";

HostState primary(int timeline = 1) {
  return {.timeline = timeline};
}

HostState standby() {
  return {.is_standby = true};
}

HostState silent() {
  return {.is_silent = true};
}

std::string at(const std::vector<const CheckedHost*>& hosts) {
  std::string names;
  std::string ports;
  for (const CheckedHost* host : hosts) {
    names += names.empty() ? "127.0.0.1" : ",127.0.0.1";
    ports += (ports.empty() ? "" : ",") + std::to_string(host->port());
  }
  return "host=" + names + " port=" + ports;
}

Record row(const Remuda& remuda, const CheckedHost& host) {
  for (const auto& record : remuda.show("HOSTS")) {
    if (record.at("port") == std::to_string(host.port())) return record;
  }
  return {};
}

bool wait_row(const Remuda& remuda, const CheckedHost& host, const std::string& column,
              const std::string& value) {
  return eventually([&] { return row(remuda, host)[column] == value; });
}

}  // namespace

TEST_CASE("a server that is tested on a host that is lost is not waited for") {
  CheckedHost old(primary(), "old");
  CheckedHost heir(standby(), "heir");
  Remuda remuda(
      ini_text(std::string(kChecks) + "server_check_delay = 0\nserver_check_query = select 1\n",
               "p0 = " + at({&old, &heir}) + " target_session_attrs=primary\n"));
  Pq client = remuda.connect("p0");
  CHECK(client.value("who") == "old");
  old.set(silent());
  client.send("who");
  REQUIRE(wait_row(remuda, old, "state", "down"));
  heir.set(primary(2));
  CHECK(client.finish().at(0).at(0) == "heir");
}

TEST_CASE("a dial to a host that is silent has it checked, and ends when it is down") {
  CheckedHost old(primary(), "old");
  CheckedHost heir(standby(), "heir");
  Remuda remuda(
      ini_text(std::string(kChecks) + "health_check_interval = 3600\nhealth_check_fall = 5\n"
                                      "health_check_timeout = 5\nserver_connect_timeout = 3600\n",
               "p0 = " + at({&old, &heir}) + " pool_mode=session target_session_attrs=primary\n"));
  Pq first = remuda.connect("p0");
  CHECK(first.value("who") == "old");
  old.set(silent());
  Pq second = remuda.connect("p0");
  second.send("who");
  heir.set(primary(2));
  CHECK(second.finish().at(0).at(0) == "heir");
  CHECK(remuda.wait_log("closing because: host is no longer fit"));
}

namespace {

// Variables of the environment for the programs started meanwhile.
class Environment {
 public:
  void set(const char* name, const std::string& value) {
    const char* before = std::getenv(name);
    before_.emplace_back(name, before ? std::optional<std::string>(before) : std::nullopt);
    ::setenv(name, value.c_str(), 1);
  }
  ~Environment() {
    for (const auto& [name, value] : before_) {
      if (value) {
        ::setenv(name.c_str(), value->c_str(), 1);
      } else {
        ::unsetenv(name.c_str());
      }
    }
  }

 private:
  std::vector<std::pair<std::string, std::optional<std::string>>> before_;
};

}  // namespace

TEST_CASE("servers are opened where a host's name leads to now, and none is used elsewhere") {
  CheckedHost here(primary(), "here");
  CheckedHost there(primary(), "there", 2, here.port());
  const TempDir dir;
  const auto lead_to = [&](const std::string& address) {
    write_file(dir.file("next"), "db.moves.test " + address + "\n");
    std::filesystem::permissions(dir.file("next"), std::filesystem::perms::others_read,
                                 std::filesystem::perm_options::add);
    std::filesystem::rename(dir.file("next"), dir.file("names"));
  };
  lead_to("127.0.0.1");
  Environment environment;
  environment.set("LD_PRELOAD", MOVING_NAMES);
  environment.set("MOVING_NAMES", dir.file("names"));
  // The sanitizer's library is the first that remuda itself asks for.
  environment.set("ASAN_OPTIONS", "verify_asan_link_order=0");
  Remuda remuda(ini_text(std::string(kChecks) + "dns_max_ttl = 0.1\n",
                         "p0 = host=db.moves.test port=" + std::to_string(here.port()) +
                             " target_session_attrs=primary\n"));
  Pq client = remuda.connect("p0");
  CHECK(client.value("who") == "here");
  lead_to("127.0.0.2");
  CHECK(eventually([&] { return client.value("who") == "there"; }));
  CHECK(remuda.wait_log("has moved to 127.0.0.2:"));
  CHECK(row(remuda, here)["connections"] == "1");
  lead_to("not.an.address.test");
  const std::string before = row(remuda, here)["checks_ok"];
  CHECK(eventually([&] { return row(remuda, here)["checks_ok"] != before; }));
  CHECK(client.value("who") == "there");
}

TEST_CASE("a transaction that was only about to begin on a server that is lost begins elsewhere") {
  const std::string how = GENERATE("57P01", "EOF", "silence");
  CheckedHost old(primary(), "old");
  CheckedHost heir(standby(), "heir");
  Remuda remuda(ini_text(kChecks, "p0 = " + at({&old, &heir}) + " target_session_attrs=primary\n" +
                                      "p1 = " + at({&old, &heir}) +
                                      " target_session_attrs=primary pool_mode=session\n"));
  Pq client = remuda.connect("p0");
  CHECK(client.value("who") == "old");
  old.set(how == "silence" ? silent() : HostState{.refusal = "57P03", .ending = how});
  client.send("begin isolation level serializable");
  REQUIRE(wait_row(remuda, old, "state", "down"));
  heir.set(primary(2));
  CHECK(client.finish().at(0).at(0) == "heir");
}

TEST_CASE("what may have been done on a server that is lost is not done again elsewhere") {
  CheckedHost old(primary(), "old");
  CheckedHost heir(standby(), "heir");
  const std::string hosts = at({&old, &heir}) + " target_session_attrs=primary";
  Remuda remuda(ini_text(kChecks, "p0 = " + hosts + "\np1 = " + hosts + " pool_mode=session\n"));
  struct Way {
    const char* database;
    const char* sql;
  };
  const auto way = GENERATE(Way{"p0", "insert"}, Way{"p0", "begin; insert"}, Way{"p1", "begin"},
                            Way{"p0", "commit"});
  Pq client = remuda.connect(way.database);
  CHECK(client.value("who") == "old");
  old.set({.refusal = "57P03", .ending = "57P01"});
  heir.set(primary(2));
  CHECK(pq_error([&] { client.exec(way.sql); }).sqlstate == "57P01");
}

TEST_CASE("C5 37 servers on a host that is one of other databases only are given out no more") {
  CheckedHost leader(primary(), "leader");
  CheckedHost first(standby(), "first");
  CheckedHost second(standby(), "second");
  const auto member = [](const CheckedHost& host, const char* role) {
    const std::string port = std::to_string(host.port());
    return R"({"name": "m)" + port + R"(", "host": "127.0.0.1", "port": )" + port +
           R"(, "role": ")" + role + R"(", "state": "running"})";
  };
  const auto members = [](const std::string& a, const std::string& b) {
    return R"({"members": [)" + a + ", " + b + "]}";
  };
  PatroniServer patroni;
  patroni.answer(members(member(leader, "leader"), member(first, "replica")));
  Remuda remuda(ini_text(std::string(kChecks) + "patroni_interval = 0.1\n",
                         "p0 = " + at({&leader}) + " patroni_urls=" + patroni.url() +
                             " target_session_attrs=standby\n" + "p1 = " + at({&first}) +
                             " health_check=1\n"));
  Pq reader = remuda.connect("p0");
  CHECK(reader.value("who") == "first");
  patroni.answer(members(member(leader, "leader"), member(second, "replica")));
  CHECK(eventually([&] { return reader.value("who") == "second"; }));
  CHECK(remuda.connect("p1").value("who") == "first");
}

}  // namespace remuda::test::hosts_lost_test
