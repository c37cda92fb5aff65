// Databases whose hosts are scripted: what becomes of servers, dials and clients when a host is
// lost, moves, or belongs to others only.
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
