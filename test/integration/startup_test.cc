// What clients ask for and are told when they log in, and where servers are found.
#include "support/catch.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/remuda_process.h"

namespace remuda::test::startup_test {
namespace {

Pq connect_with(const Remuda& remuda, const std::string& options) {
  Address address = remuda.address();
  address.options = options;
  return Pq(address);
}

size_t count_in(const std::string& log, const std::string& text) {
  size_t count = 0;
  for (size_t at = log.find(text); at != log.npos; at = log.find(text, at + 1)) ++count;
  return count;
}

// One server, so that clients take turns on it.
std::string single(const std::string& settings) {
  return ini_text("default_pool_size = 1\n" + settings);
}

}  // namespace

TEST_CASE("a host that cannot be resolved leads to the next of the list, which is kept") {
  Remuda remuda(ini_text("server_login_retry = 0.1",
                         "p0 = host=no..such..name,127.0.0.1 port={pg_port} "
                         "load_balance_hosts=disable\n"));
  Pq first = remuda.connect();
  first.exec("BEGIN");
  Pq second = remuda.connect();
  second.exec("BEGIN");
  const std::string log = remuda.log();
  CHECK(count_in(log, "closing because: server DNS lookup failed") == 1);
  CHECK(count_in(log, "new connection to server (from 127.0.0.1:") == 2);
}

TEST_CASE("with round-robin one bad host of two costs nothing but time") {
  Remuda remuda(
      ini_text("server_login_retry = 0.1", "p0 = host=no..such..name,127.0.0.1 port={pg_port}\n"));
  std::vector<Pq> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(remuda.connect());
    clients.back().exec("BEGIN");
  }
  CHECK(count_in(remuda.log(), "new connection to server (from 127.0.0.1:") == 3);
}

// A buffer made smaller after the connection has begun loses segments, and with them seconds.
TEST_CASE("small socket buffers hold nothing up") {
  Remuda remuda(ini_text("tcp_socket_buffer = 4096"));
  Pq client = remuda.connect();
  CHECK(client.value("SELECT repeat('x', 4000000)").size() == 4000000);
  CHECK(client.value("SELECT length('" + std::string(1000000, 'y') + "')") == "1000000");
}

TEST_CASE("options and parameters of the start-up packet follow the client, to the byte") {
  Remuda remuda(single("track_extra_parameters = search_path, IntervalStyle"));
  const std::string path = "\"" + std::string(60, 'a') + "\", \"it's\", \"b \\\\ c\"";
  RawClient client(remuda.port());
  client.send(
      startup({{"user", "postgres"},
               {"database", "p0"},
               {"search_path", path},
               {"options", "-c IntervalStyle=iso_8601 --DateStyle=German -cTimeZone=Asia/Tokyo"}}));
  const auto greeting = client.read_until('Z');
  CHECK(types_of(greeting).find('E') == std::string::npos);
  for (int turn = 0; turn < 2; ++turn) {
    CHECK(client.value("SHOW search_path") == path);
    CHECK(client.value("SHOW IntervalStyle") == "iso_8601");
    CHECK(client.value("SHOW DateStyle") == "German, DMY");
    CHECK(client.value("SHOW TimeZone") == "Asia/Tokyo");
    Pq other = remuda.connect();
    CHECK(other.value("SHOW search_path") == "\"$user\", public");
    CHECK(other.value("SHOW IntervalStyle") == "postgres");
  }
}

TEST_CASE("a value of 20,000 bytes is replayed whole") {
  Remuda remuda(single("track_extra_parameters = search_path"));
  std::string path;
  for (int i = 0; i < 2000; ++i) path += (i ? ", name" : "name") + std::to_string(1000 + i);
  RawClient client(remuda.port());
  client.send(startup({{"user", "postgres"}, {"database", "p0"}, {"search_path", path}}));
  client.read_until('Z');
  CHECK(client.value("SHOW search_path") == path);
  CHECK(remuda.connect().value("SHOW search_path") == "\"$user\", public");
  CHECK(client.value("SHOW search_path") == path);
}

TEST_CASE("what is neither tracked nor ignored is refused by name") {
  Remuda remuda(ini_text("ignore_startup_parameters = extra_float_digits, work_mem"));
  CHECK(connect_with(remuda, "options='-c work_mem=1MB'").value("SHOW work_mem") != "1MB");
  const auto refused = pq_error([&] { connect_with(remuda, "options='-c jit=off'"); });
  CHECK(refused.message.find("unsupported startup parameter in options: jit") != std::string::npos);
}

TEST_CASE("application_name_add_host") {
  Remuda remuda(ini_text("application_name_add_host = 1"));
  Pq named = connect_with(remuda, "application_name=abc");
  CHECK(named.value("SHOW application_name").find("abc - 127.0.0.1:") == 0);
  CHECK(remuda.connect().value("SHOW application_name").find("app - 127.0.0.1:") == 0);
}

TEST_CASE("login_notify_message reaches clients and consoles as a notice before ReadyForQuery") {
  Remuda remuda(ini_text("login_notify_message = back at noon"));
  for (const char* database : {"p0", "pgbouncer"}) {
    RawClient client(remuda.port());
    client.send(startup({{"user", "postgres"}, {"database", database}}));
    const auto messages = client.read_until('Z');
    REQUIRE(messages.size() > 2);
    const Message& notice = messages[messages.size() - 2];
    REQUIRE(notice.type == 'N');
    CHECK(notice_fields(notice)['M'] == "back at noon");
  }
}

TEST_CASE("connect_query runs once on every new server, and its failure is not the client's") {
  Remuda remuda(ini_text("",
                         "p0 = host=127.0.0.1 port={pg_port} "
                         "connect_query='SET work_mem = 12345'\n"
                         "p1 = host=127.0.0.1 port={pg_port} connect_query='SELECT 1/0'\n"));
  CHECK(remuda.connect().value("SHOW work_mem") == "12345kB");
  CHECK(remuda.connect("p1").value("SELECT 7") == "7");
}

TEST_CASE("query_wait_notify tells a client that waits, once") {
  Remuda remuda(single("query_wait_notify = 1"));
  Pq holder = remuda.connect();
  holder.exec("BEGIN");
  RawClient client(remuda.port(), "postgres", "p0");
  client.send(query("SELECT 1"));
  CHECK(notice_fields(client.expect('N'))['M'].find("No server connection available") == 0);
  holder.exec("COMMIT");
  CHECK(types_of(client.read_until('Z')) == "TDCZ");
}

}  // namespace remuda::test::startup_test
