#include "route/patroni_cluster.h"

#include <fmt/core.h>

#include <string>

#include "remuda/base/error.h"
#include "support/catch.h"

namespace remuda::route::patroni_cluster_test {
namespace {

// A line per member: what it is, with what is not usual behind it.
std::string shown(const ClusterView& view) {
  std::string text = view.paused ? "paused\n" : "";
  for (const ClusterMember& m : view.members) {
    text += fmt::format("{} {}:{} {}", m.name, m.host, m.port, to_text(m.role));
    text += m.running ? " running" : "";
    text += m.lag_bytes ? fmt::format(" lag={}", *m.lag_bytes) : "";
    text += m.timeline != 0 ? fmt::format(" timeline={}", m.timeline) : "";
    text += m.noloadbalance ? " noloadbalance" : "";
    text += m.nofailover ? " nofailover" : "";
    text += "\n";
  }
  return text;
}

std::string read(const std::string& json) {
  return shown(parse_patroni_cluster(json));
}

// One member called "a" on h1, with these fields as well.
std::string read_one(const std::string& fields) {
  return read(R"({"members": [{"name": "a", "host": "h1")" + (fields.empty() ? "" : ", " + fields) +
              "}]}");
}

std::string fault(const std::string& json) {
  try {
    parse_patroni_cluster(json);
  } catch (const PgError& error) {
    return error.what();
  }
  return "none";
}

std::string fault_of_one(const std::string& fields) {
  return fault(R"({"members": [{"name": "a", "host": "h1", )" + fields + "}]}");
}

}  // namespace

TEST_CASE("a cluster of Patroni 2 and 3.0", "[patroni]") {
  CHECK(read(R"({"members": [
    {"name": "pg-0", "role": "leader", "state": "running",
     "api_url": "http://10.89.0.4:8008/patroni", "host": "10.89.0.4", "port": 5432, "timeline": 5},
    {"name": "pg-1", "role": "sync_standby", "state": "running", "api_url":
     "http://10.89.0.5:8008/patroni", "host": "10.89.0.5", "port": 5433, "timeline": 5,
     "tags": {"nofailover": true}, "lag": 0},
    {"name": "pg-2", "role": "replica", "state": "starting", "api_url":
     "http://10.89.0.6:8008/patroni", "host": "10.89.0.6", "port": 5434, "timeline": 4,
     "pending_restart": true, "lag": "unknown"}],
    "pause": true,
    "scheduled_switchover": {"at": "2026-09-24T10:36:00+02:00", "from": "pg-0"}})") ==
        "paused\n"
        "pg-0 10.89.0.4:5432 primary running timeline=5\n"
        "pg-1 10.89.0.5:5433 standby running lag=0 timeline=5 nofailover\n"
        "pg-2 10.89.0.6:5434 standby timeline=4\n");
}

TEST_CASE("a cluster of Patroni 4.1", "[patroni]") {
  CHECK(read(R"({"members": [
    {"name": "patroni1", "role": "leader", "state": "running",
     "api_url": "http://10.89.0.4:8008/patroni", "host": "10.89.0.4", "port": 5432, "timeline": 5,
     "tags": {"clonefrom": true}},
    {"name": "patroni2", "role": "quorum_standby", "state": "streaming",
     "api_url": "http://10.89.0.6:8008/patroni", "host": "::1", "port": 5433, "timeline": 5,
     "tags": {"noloadbalance": true, "custom": [1, {"a": null}]},
     "receive_lag": 0, "receive_lsn": "0/4000060", "replay_lag": 16777216,
     "replay_lsn": "0/3000060", "lag": 0, "lsn": "0/4000060"},
    {"name": "patroni3", "role": "replica", "state": "in archive recovery", "host": "db.example",
     "port": 5432, "receive_lag": "unknown", "receive_lsn": "unknown", "replay_lag": "unknown",
     "lag": 7}],
    "scope": "demo"})") ==
        "patroni1 10.89.0.4:5432 primary running timeline=5\n"
        "patroni2 ::1:5433 standby running lag=16777216 timeline=5 noloadbalance\n"
        "patroni3 db.example:5432 standby running lag=7\n");
}

TEST_CASE("a standby cluster has no primary", "[patroni]") {
  CHECK(read_one(R"("role": "standby_leader", "state": "streaming")") ==
        "a h1:5432 standby running\n");
}

TEST_CASE("every role there was, and those there may be", "[patroni]") {
  for (const char* role : {"leader", "master", "primary"}) {
    CHECK(read_one(fmt::format(R"("role": "{}")", role)) == "a h1:5432 primary\n");
  }
  for (const char* role : {"replica", "sync_standby", "quorum_standby", "standby_leader"}) {
    CHECK(read_one(fmt::format(R"("role": "{}")", role)) == "a h1:5432 standby\n");
  }
  for (const char* role : {"uninitialized", "Leader", "", "witness"}) {
    CHECK(read_one(fmt::format(R"("role": "{}")", role)) == "a h1:5432 unknown\n");
  }
  CHECK(read_one("") == "a h1:5432 unknown\n");
}

TEST_CASE("a state in which connections are taken, and the others", "[patroni]") {
  for (const char* state : {"running", "streaming", "in archive recovery"}) {
    CHECK(read_one(fmt::format(R"("state": "{}")", state)) == "a h1:5432 unknown running\n");
  }
  for (const char* state : {"starting", "stopped", "stopping", "crashed", "creating replica",
                            "start failed", "restarting", "initdb failed", ""}) {
    CHECK(read_one(fmt::format(R"("state": "{}")", state)) == "a h1:5432 unknown\n");
  }
}

TEST_CASE("tags are true where Python says so", "[patroni]") {
  for (const char* yes : {"true", "1", "-1", "0.5", "\"yes\"", "\"false\"", "[0]", "{\"a\": 0}"}) {
    CHECK(read_one(fmt::format(R"("tags": {{"noloadbalance": {}}})", yes)) ==
          "a h1:5432 unknown noloadbalance\n");
  }
  for (const char* no : {"false", "0", "0.0", "\"\"", "[]", "{}", "null"}) {
    CHECK(read_one(fmt::format(R"("tags": {{"noloadbalance": {}, "nofailover": {}}})", no, no)) ==
          "a h1:5432 unknown\n");
  }
}

TEST_CASE("a failover priority of 0 is nofailover, unless that is set too", "[patroni]") {
  const auto tagged = [](const char* tags) {
    return read_one(fmt::format("\"tags\": {{{}}}", tags));
  };
  for (const char* none : {"0", "-1", "\"0\"", "\"-3\""}) {
    CHECK(tagged(fmt::format("\"failover_priority\": {}", none).c_str()) ==
          "a h1:5432 unknown nofailover\n");
  }
  for (const char* some : {"1", "2", "\"1\"", "\"none\"", "\"\"", "\"0x\"", "null", "[]"}) {
    CHECK(tagged(fmt::format("\"failover_priority\": {}", some).c_str()) == "a h1:5432 unknown\n");
  }
  CHECK(tagged(R"("failover_priority": 0, "nofailover": false)") == "a h1:5432 unknown\n");
  CHECK(tagged(R"("failover_priority": 1, "nofailover": true)") ==
        "a h1:5432 unknown nofailover\n");
}

TEST_CASE("null is the same as missing", "[patroni]") {
  CHECK(read(R"({"members": [{"name": "a", "host": "h1", "port": null, "role": null,
      "state": null, "lag": null, "replay_lag": null, "timeline": null, "tags": null}],
      "pause": null})") == "a h1:5432 unknown\n");
}

TEST_CASE("a member without an address is not there yet", "[patroni]") {
  CHECK(read(R"({"members": [{"name": "a", "role": "replica", "state": "creating replica"},
      {"name": "b", "host": "h2"}]})") == "b h2:5432 unknown\n");
  CHECK(read(R"({"members": []})").empty());
}

TEST_CASE("numbers to their ends", "[patroni]") {
  CHECK(read_one(R"("port": 1, "lag": 9223372036854775807, "timeline": 4294967295)") ==
        "a h1:1 unknown lag=9223372036854775807 timeline=4294967295\n");
  CHECK(read_one(R"("port": 65535, "timeline": 0)") == "a h1:65535 unknown\n");
  for (const char* port :
       {"0", "65536", "-1", "5432.0", "1e3", "\"5432\"", "true", "[]", "18446744073709551616"}) {
    CHECK(fault_of_one(fmt::format("\"port\": {}", port)) ==
          "members[0].port: not a whole number from 1 to 65535");
  }
  for (const char* lag : {"-1", "9223372036854775808", "0.5", "\"much\"", "\"0\"", "{}"}) {
    CHECK(fault_of_one(fmt::format("\"lag\": {}", lag)) ==
          "members[0].lag: not a whole number from 0 to 9223372036854775807");
  }
  CHECK(fault_of_one("\"replay_lag\": -1").starts_with("members[0].replay_lag: "));
  CHECK(fault_of_one("\"timeline\": 4294967296") ==
        "members[0].timeline: not a whole number from 0 to 4294967295");
}

TEST_CASE("what is no cluster", "[patroni]") {
  for (const char* text : {"", " ", "<html>", "{", "{}}", "{\"members\": [}", "nul", "\"\\x\"",
                           "{\"a\": \"\xff\"}", "{\"a\": 1e999}", "{'members': []}"}) {
    CHECK(fault(text) == "the answer is not JSON");
  }
  CHECK(fault(std::string("{\"a\": \"\0\"}", 10)) == "the answer is not JSON");
  for (const char* text : {"[]", "null", "\"members\"", "5"}) {
    CHECK(fault(text) == "the answer is not an object");
  }
  CHECK(fault("{}") == "members: missing");
  CHECK(fault(R"({"members": null})") == "members: missing");
  CHECK(fault(R"({"members": {}})") == "members: not an array");
  CHECK(fault(R"({"members": [], "pause": 1})") == "pause: not a boolean");
}

TEST_CASE("what is no member", "[patroni]") {
  CHECK(fault(R"({"members": [{"name": "a"}, 5]})") == "members[1]: not an object");
  CHECK(fault(R"({"members": [{"host": "h1"}]})") == "members[0].name: missing");
  CHECK(fault(R"({"members": [{"name": ""}]})") == "members[0].name: missing");
  CHECK(fault(R"({"members": [{"name": 5}]})") == "members[0].name: not a string");
  CHECK(fault(R"({"members": [{"name": "a\nb"}]})") == "members[0].name: has a control character");
  CHECK(fault(R"({"members": [{"name": "a\u0000"}]})") ==
        "members[0].name: has a control character");
  CHECK(fault(R"({"members": [{"name": "a"}, {"name": "b"}, {"name": "a"}]})") ==
        "members[2].name: is another member's too");
  CHECK(
      fault(R"({"members": [{"name": "a", "role": "leader"}, {"name": "b", "role": "master"}]})") ==
      "members[1].role: a second leader");
  CHECK(fault_of_one("\"role\": 1") == "members[0].role: not a string");
  CHECK(fault_of_one("\"state\": []") == "members[0].state: not a string");
  CHECK(fault_of_one("\"tags\": []") == "members[0].tags: not an object");
  for (const char* host : {"/tmp", "h1,h2", "h 1", "u@h", "[::1]", "h\xc3\xa4", "h'1"}) {
    CHECK(fault(fmt::format(R"({{"members": [{{"name": "a", "host": "{}"}}]}})", host)) ==
          "members[0].host: not a host");
  }
  CHECK(fault(R"({"members": [{"name": "a", "host": 1}]})") == "members[0].host: not a string");
}

TEST_CASE("an answer has bounds: length, depth, members, texts", "[patroni]") {
  const std::string longest = "{\"members\": []" + std::string(kMaxPatroniAnswer - 15, ' ') + "}";
  REQUIRE(longest.size() == kMaxPatroniAnswer);
  CHECK(read(longest).empty());
  CHECK(fault(longest + " ") == "the answer is longer than 1048576 bytes");

  const auto nested = [](size_t depth) {
    return "{\"a\": " + std::string(depth - 1, '[') + std::string(depth - 1, ']') +
           ", \"members\": []}";
  };
  CHECK(read(nested(16)).empty());
  CHECK(fault(nested(18)) == "the answer is nested deeper than 16");
  CHECK(fault(std::string(kMaxPatroniAnswer, '[')) == "the answer is nested deeper than 16");

  const auto members = [](size_t count) {
    std::string list;
    for (size_t i = 0; i < count; ++i) {
      list += fmt::format("{}{{\"name\": \"m{}\", \"host\": \"h\"}}", i == 0 ? "" : ",", i);
    }
    return "{\"members\": [" + list + "]}";
  };
  CHECK(parse_patroni_cluster(members(kMaxClusterMembers)).members.size() == kMaxClusterMembers);
  CHECK(fault(members(kMaxClusterMembers + 1)) == "members: more than 256");

  CHECK(read_one(fmt::format("\"role\": \"{}\"", std::string(255, 'r'))) == "a h1:5432 unknown\n");
  CHECK(fault_of_one(fmt::format("\"role\": \"{}\"", std::string(256, 'r'))) ==
        "members[0].role: longer than 255 bytes");
}

}  // namespace remuda::route::patroni_cluster_test
