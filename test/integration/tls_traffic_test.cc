// Much data through TLS on both sides, and every byte of it right.
#include <openssl/evp.h>
#include <sys/socket.h>

#include "support/catch.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/threads.h"
#include "support/tls_settings.h"

namespace remuda::test::tls_traffic_test {
namespace {

constexpr long kMegabyte = 1024 * 1024;
constexpr int kLines = 100;

// What remuda may grow by, in kB, while it passes on a hundred megabytes.
long allowed_growth() {
  return remuda_sanitizers().empty() ? 8L * 1024 : 1000L * 1024;
}

std::string ini_with(const std::string& more = "") {
  return ini_text(client_tls("require") + server_tls("verify-full") + more,
                  database_at("localhost", postgres_with_tls().port()));
}

std::string md5_of(const std::string& text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_md5(), nullptr);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    constexpr const char* kDigits = "0123456789abcdef";
    hex += kDigits[digest[i] >> 4];
    hex += kDigits[digest[i] & 15];
  }
  return hex;
}

// A megabyte that no other line equals.
std::string line(int number) {
  std::string text;
  for (int i = 0; text.size() < kMegabyte; ++i)
    text += std::to_string(number) + ":" + std::to_string(i) + ",";
  return text;
}

// The same number of distinct bytes, made by the server.
constexpr const char* kDigests =
    "(SELECT string_agg(md5(i::text), '') AS text FROM generate_series(1, 3276800) AS i) AS made";

}  // namespace

TEST_CASE("one value of 100 MB") {
  Remuda remuda(ini_with());
  Pq client(tls_address(remuda));
  client.value("SELECT repeat('x', 1000000)");
  const long before = remuda.resident();
  const std::string text = client.value(std::string("SELECT text FROM ") + kDigests);
  CHECK(text.size() == 3276800UL * 32);
  CHECK(md5_of(text) == client.value(std::string("SELECT md5(text) FROM ") + kDigests));
  CHECK(remuda.resident() - before < allowed_growth());
}

TEST_CASE("100 MB in small rows") {
  Remuda remuda(ini_with());
  Pq client(tls_address(remuda));
  client.send("SELECT i, md5(i::text) || repeat('y', 1000) FROM generate_series(1, 100000) AS i");
  PQsetSingleRowMode(client.raw());
  int rows = 0;
  const std::string padding(1000, 'y');
  for (Result row = client.next_result(); row; row = client.next_result()) {
    check_result(row.get());
    if (PQntuples(row.get()) == 0) continue;
    const std::string number = std::to_string(++rows);
    if (PQgetvalue(row.get(), 0, 0) != number ||
        PQgetvalue(row.get(), 0, 1) != md5_of(number) + padding)
      FAIL("row " << rows << " is wrong");
  }
  CHECK(rows == 100000);
}

TEST_CASE("100 MB by COPY in, and out again") {
  Remuda remuda(ini_with());
  Pq client(tls_address(remuda));
  client.exec("DROP TABLE IF EXISTS heap; CREATE UNLOGGED TABLE heap (id int, note text)");
  client.send("COPY heap FROM STDIN");
  REQUIRE(PQresultStatus(client.next_result().get()) == PGRES_COPY_IN);
  std::string all;
  for (int i = 0; i < kLines; ++i) {
    const std::string text = line(i);
    const std::string row = std::to_string(i) + "\t" + text + "\n";
    REQUIRE(PQputCopyData(client.raw(), row.data(), static_cast<int>(row.size())) == 1);
    all += text;
  }
  REQUIRE(PQputCopyEnd(client.raw(), nullptr) == 1);
  client.finish();
  CHECK(client.value("SELECT md5(string_agg(note, '' ORDER BY id)) FROM heap") == md5_of(all));

  client.send("COPY (SELECT note FROM heap ORDER BY id) TO STDOUT");
  REQUIRE(PQresultStatus(client.next_result().get()) == PGRES_COPY_OUT);
  int rows = 0;
  char* data = nullptr;
  for (int size; (size = PQgetCopyData(client.raw(), &data, 0)) > 0; ++rows) {
    const std::string got(data, static_cast<size_t>(size));
    PQfreemem(data);
    if (got != line(rows) + "\n") FAIL("row " << rows << " is wrong");
  }
  CHECK(rows == kLines);
  client.finish();
  client.exec("DROP TABLE heap");
}

TEST_CASE("a client that reads slowly holds up nobody, and costs no memory") {
  Remuda remuda(ini_with());
  Pq other(tls_address(remuda));
  other.value("SELECT repeat('x', 1000000)");
  RawClient client(remuda.port());
  client.secure();
  client.login("postgres", "p0");
  const long before = remuda.resident();
  client.send(query("SELECT repeat('x', " + std::to_string(100 * kMegabyte) + ")"));
  client.expect('T');
  for (int i = 0; i < 200; ++i)
    CHECK(other.value("SELECT " + std::to_string(i)) == std::to_string(i));
  CHECK(remuda.resident() - before < allowed_growth());
  CHECK(first_value(client.expect('D')) == std::string(100 * kMegabyte, 'x'));
  client.read_until('Z');
  CHECK(client.value("SELECT 1") == "1");
}

TEST_CASE("a thousand pipelined queries in one write") {
  Remuda remuda(ini_with());
  RawClient client(remuda.port());
  client.secure();
  client.login("postgres", "p0");
  std::string batch;
  for (int i = 0; i < 1000; ++i)
    batch += extended("SELECT 'answer " + std::to_string(i) + "'") + sync_message();
  client.send(batch);
  for (int i = 0; i < 1000; ++i) {
    const auto messages = client.read_until('Z');
    REQUIRE(types_of(messages) == "12DCZ");
    REQUIRE(first_value(messages[2]) == "answer " + std::to_string(i));
  }
}

TEST_CASE("both directions full at once") {
  Remuda remuda(ini_with());
  RawClient client(remuda.port());
  client.secure();
  client.login("postgres", "p0");
  const std::string big(2 * kMegabyte, 'q');
  constexpr int kQueries = 20;
  // Sealed beforehand: then only the reader touches TLS, while another thread writes.
  std::string sealed;
  for (int i = 0; i < kQueries; ++i) sealed += client.tls()->seal(query("SELECT '" + big + "'"));
  const auto failures = failures_of(2, [&](int number) {
    if (number == 0) return client.send_raw(sealed);
    for (int i = 0; i < kQueries; ++i) {
      client.expect('T');
      if (first_value(client.expect('D')) != big) throw std::runtime_error("a wrong answer");
      client.read_until('Z');
    }
  });
  CHECK(failures == std::vector<std::string>{});
}

TEST_CASE("sixteen clients at once, over TLS and in clear, each with its own answers") {
  Remuda remuda(ini_text(client_tls("allow") + server_tls("require") + "default_pool_size = 3\n",
                         database_at("localhost", postgres_with_tls().port())));
  const auto failures = failures_of(16, [&](int number) {
    Pq client(number % 2 == 0 ? tls_address(remuda) : remuda.address());
    for (int i = 0; i < 200; ++i) {
      const std::string mark = std::to_string(number * 1000 + i);
      const std::string text = client.value("SELECT repeat('" + mark + "', 1000)");
      if (text.size() != mark.size() * 1000 || text.substr(0, mark.size()) != mark)
        throw std::runtime_error("a wrong answer");
    }
  });
  CHECK(failures == std::vector<std::string>{});
}

}  // namespace remuda::test::tls_traffic_test
