#include "route/patroni_client.h"

#include <cstdlib>
#include <thread>

#include "remuda/base/error.h"
#include "route/patroni_cluster.h"
#include "support/catch.h"
#include "support/patroni_server.h"

#ifdef REMUDA_HAVE_CURL

namespace remuda::route::patroni_client_test {

using test::certificates;
using test::http_answer;
using test::PatroniServer;
using test::TlsChoices;

namespace {

constexpr const char* kCluster =
    R"({"members": [{"name": "a", "host": "h1", "role": "leader", "state": "running"}]})";

PatroniOptions options(std::vector<std::string> urls) {
  PatroniOptions made;
  made.urls = std::move(urls);
  made.timeout = 30 * kSecond;
  return made;
}

PatroniOptions tls_options(const PatroniServer& server) {
  PatroniOptions made = options({server.url()});
  made.ca_file = certificates().authority.file();
  return made;
}

TlsChoices server_tls() {
  TlsChoices choices;
  choices.certificate = certificates().server;
  return choices;
}

// Why there is no answer; "none" if there is one.
std::string fault(PatroniClient& client) {
  try {
    client.fetch();
  } catch (const PgError& error) {
    return error.what();
  }
  return "none";
}

std::string fault(const PatroniOptions& from) {
  PatroniClient client(from);
  return fault(client);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

}  // namespace

TEST_CASE("the cluster is asked for, and read", "[patroni]") {
  PatroniServer server;
  server.answer(kCluster);
  PatroniClient client(options({server.url()}));
  const ClusterView view = client.fetch();
  REQUIRE(view.members.size() == 1);
  CHECK(view.members[0].role == HostRole::primary);
  const std::string request = server.requests().at(0);
  CHECK(request.starts_with("GET /cluster HTTP/1.1\r\nHost: 127.0.0.1:"));
  CHECK_FALSE(contains(request, "Authorization"));
}

TEST_CASE("a path in front of the interface is kept", "[patroni]") {
  PatroniServer server;
  server.answer(kCluster);
  for (const char* path : {"/", "/cluster", "/cluster/", "/pg/one/"}) {
    CHECK(fault(options({server.url() + path})) == "none");
  }
  const auto requests = server.requests();
  REQUIRE(requests.size() == 4);
  for (int i = 0; i < 3; ++i) CHECK(requests[i].starts_with("GET /cluster HTTP"));
  CHECK(requests[3].starts_with("GET /pg/one/cluster HTTP"));
}

TEST_CASE("URLs are tried in turn, from the one that answered last", "[patroni]") {
  PatroniServer one;
  PatroniServer two;
  PatroniServer three;
  two.answer(kCluster);
  three.answer(kCluster);
  PatroniClient client(options({one.url(), two.url(), three.url()}));
  client.fetch();
  client.fetch();
  CHECK(one.connections() == 1);
  CHECK(two.connections() == 2);
  two.answer("{}");
  client.fetch();
  client.fetch();
  CHECK(two.connections() == 3);
  CHECK(three.connections() == 2);
  three.answer_bytes(http_answer("500 Internal Server Error", kCluster));
  CHECK(fault(client) == three.url() + ": the answer is HTTP status 500; " + one.url() +
                             ": the answer is HTTP status 503; " + two.url() +
                             ": members: missing");
  CHECK(fault(options({})) == "there is no URL");
}

TEST_CASE("a URL that is distrusted is asked last", "[patroni]") {
  PatroniServer one;
  PatroniServer two;
  one.answer(kCluster);
  two.answer(kCluster);
  PatroniClient client(options({one.url(), two.url()}));
  client.fetch();
  client.distrust();
  client.fetch();
  client.fetch();
  CHECK(one.connections() == 1);
  CHECK(two.connections() == 2);
  one.answer("{}");
  client.distrust();
  client.fetch();
  CHECK(one.connections() == 2);
  CHECK(two.connections() == 3);
}

TEST_CASE("a bad answer is none", "[patroni]") {
  PatroniServer server;
  const auto fault_of = [&server](const std::string& bytes) {
    server.answer_bytes(bytes);
    const std::string text = fault(options({server.url()}));
    const std::string front = server.url() + ": ";
    REQUIRE(text.starts_with(front));
    return text.substr(front.size());
  };
  CHECK(contains(fault_of(""), "Empty reply"));
  CHECK(contains(fault_of("rubbish\r\n\r\n"), "HTTP/0.9"));
  CHECK(fault_of(http_answer("200 OK", "<html>")) == "the answer is not JSON");
  CHECK(fault_of(http_answer("204 No Content", "")) == "the answer is HTTP status 204");
  CHECK(fault_of(http_answer("401 Unauthorized", "")) == "the answer is HTTP status 401");
  CHECK(fault_of(http_answer("503 Service Unavailable", kCluster)) ==
        "the answer is HTTP status 503");
  CHECK(
      contains(fault_of(http_answer("200 OK", kCluster, "Content-Length: 1000\r\n")), "remaining"));
  CHECK(fault_of(http_answer("200 OK", kCluster, "Content-Length: 1\r\n")) ==
        "the answer is not JSON");
}

TEST_CASE("what is too long is not read to its end", "[patroni]") {
  PatroniServer server;
  const std::string spaces(kMaxPatroniAnswer, ' ');
  server.answer_and_hang("HTTP/1.0 200 OK\r\n\r\n" + spaces + " ");
  CHECK(contains(fault(options({server.url()})), "the answer is too long"));
  const std::string header = "X: " + std::string(1000, 'x') + "\r\n";
  std::string headers;
  for (int i = 0; i < 100; ++i) headers += header;
  server.answer_and_hang("HTTP/1.0 200 OK\r\n" + headers);
  CHECK(contains(fault(options({server.url()})), "the answer is too long"));
}

TEST_CASE("a chunked answer is read as well", "[patroni]") {
  PatroniServer server;
  server.answer_bytes(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "b\r\n{\"members\":\r\n4\r\n []}\r\n0\r\n\r\n");
  CHECK(fault(options({server.url()})) == "none");
}

TEST_CASE("nobody is sent elsewhere", "[patroni]") {
  PatroniServer elsewhere;
  elsewhere.answer(kCluster);
  PatroniServer server;
  server.answer_bytes(
      http_answer("302 Found", "", "Location: " + elsewhere.url() + "/cluster\r\n"));
  CHECK(contains(fault(options({server.url()})), "the answer is HTTP status 302"));
  CHECK(elsewhere.connections() == 0);
}

TEST_CASE("a proxy of the environment is not used", "[patroni]") {
  PatroniServer server;
  PatroniServer proxy;
  server.answer(kCluster);
  setenv("http_proxy", proxy.url().c_str(), 1);
  const std::string text = fault(options({server.url()}));
  unsetenv("http_proxy");
  CHECK(text == "none");
  CHECK(proxy.connections() == 0);
}

TEST_CASE("a server that is silent, or stops in the middle, has its time", "[patroni]") {
  PatroniServer silent;
  PatroniServer good;
  good.answer(kCluster);
  for (const std::string bytes : {"", "HTTP/1.0 200 OK\r\n", "HTTP/1.0 200 OK\r\n\r\n{"}) {
    silent.answer_and_hang(bytes);
    PatroniOptions both = options({silent.url(), good.url()});
    both.timeout = kSecond / 10;
    PatroniClient client(both);
    client.fetch();
    PatroniOptions alone = options({silent.url()});
    alone.timeout = 0;
    CHECK(contains(fault(alone), "timed out"));
  }
  CHECK(good.connections() == 3);
}

// Takes up to a second: that is how often libcurl looks.
TEST_CASE("a request is ended by another thread", "[patroni]") {
  PatroniServer silent;
  silent.answer_and_hang("");
  PatroniClient client(options({silent.url(), silent.url()}));
  std::thread other([&] {
    test::eventually([&] { return !silent.requests().empty(); });
    client.interrupt();
  });
  CHECK_THROWS_AS(client.fetch(), Closed);
  other.join();
  CHECK(silent.connections() == 1);
  CHECK_THROWS_AS(client.fetch(), Closed);
}

TEST_CASE("user and password are sent, and told to nobody else", "[patroni]") {
  PatroniServer server;
  server.answer(kCluster);
  PatroniOptions with_user = options({server.url()});
  with_user.user = "Aladdin";
  with_user.password = "open sesame";  // RFC 7617
  CHECK(fault(with_user) == "none");
  CHECK(contains(server.requests().at(0),
                 "\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"));
  server.answer_bytes(http_answer("401 Unauthorized", "", "WWW-Authenticate: Basic\r\n"));
  CHECK(fault(with_user) == server.url() + ": the answer is HTTP status 401");
}

TEST_CASE("TLS: the server's certificate is verified", "[patroni]") {
  PatroniServer server(server_tls());
  server.answer(kCluster);
  CHECK(fault(tls_options(server)) == "none");

  PatroniOptions other = tls_options(server);
  other.ca_file = certificates().other_authority.file();
  CHECK(contains(fault(other), "certificate"));
  other.verify = false;
  CHECK(fault(other) == "none");

  PatroniOptions by_address = tls_options(server);
  by_address.urls = {"https://127.0.0.1:" + std::to_string(server.port())};
  CHECK(contains(fault(by_address), "127.0.0.1"));
  by_address.verify = false;
  CHECK(fault(by_address) == "none");

  PatroniOptions no_file = tls_options(server);
  no_file.ca_file = "/nonexistent/ca.crt";
  CHECK(contains(fault(no_file), "/nonexistent/ca.crt"));

  PatroniOptions plain = tls_options(server);
  plain.urls = {"http://localhost:" + std::to_string(server.port())};
  CHECK(fault(plain) != "none");
}

TEST_CASE("TLS: we show a certificate, whose key must not want a passphrase", "[patroni]") {
  TlsChoices choices = server_tls();
  choices.ca_file = certificates().authority.file();
  PatroniServer server(choices);
  server.answer(kCluster);
  CHECK(fault(tls_options(server)) != "none");

  PatroniOptions shown = tls_options(server);
  shown.cert_file = certificates().cert_user.cert;
  shown.key_file = certificates().cert_user.key;
  CHECK(fault(shown) == "none");

  const auto locked = certificates().authority.issue(
      "patroni-locked", {"cert_user", {}, test::KeyKind::ec, false, "word"});
  shown.cert_file = locked.cert;
  shown.key_file = locked.key;
  CHECK(contains(fault(shown), locked.key));
}

TEST_CASE("options are made of settings", "[patroni]") {
  config::Config config;
  config.path = "/etc/remuda/remuda.ini";
  config.patroni_user = "u";
  config.patroni_password = "p";
  config.patroni_ca_file = "/ca";
  config.patroni_cert_file = "/cert";
  config.patroni_key_file = "/key";
  config.patroni_verify = false;
  config.patroni_timeout = 5;
  const PatroniOptions made = patroni_options(config, {"http://h1"});
  CHECK(made.urls == std::vector<std::string>{"http://h1"});
  CHECK(made.user == "u");
  CHECK(made.password == "p");
  CHECK(made.ca_file == "/ca");
  CHECK(made.cert_file == "/cert");
  CHECK(made.key_file == "/key");
  CHECK_FALSE(made.verify);
  CHECK(made.timeout == 5);
  CHECK(made == patroni_options(config, {"http://h1"}));
  CHECK_FALSE(made == patroni_options(config, {"http://h2"}));
}

}  // namespace remuda::route::patroni_client_test

#endif
