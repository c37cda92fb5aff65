#include "io/address.h"

#include <unistd.h>

#include <string>

#include "remuda/base/error.h"
#include "support/catch.h"
#include "unit/io/sockets.h"

namespace remuda::io::address_test {

TEST_CASE("numeric hosts", "[address]") {
  CHECK(Address::numeric("127.0.0.1", 5432)->text() == "127.0.0.1:5432");
  CHECK(Address::numeric("::1", 5432)->text() == "[::1]:5432");
  CHECK(Address::numeric("[::1]", 5432)->text() == "[::1]:5432");
  CHECK(Address::numeric("2001:DB8:0::1", 1)->host() == "2001:db8::1");
  for (const char* name : {"localhost", "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "[127.0.0.1]", "[]",
                           "::1]", "1.2.3.4 ", ":::"}) {
    INFO(name);
    CHECK(!Address::numeric(name, 1));
  }
  CHECK(!Address::numeric(std::string_view("127.0.0.1\0x", 11), 1));
}

TEST_CASE("addresses are read back from their text", "[address]") {
  for (const char* text : {"127.0.0.1:5432", "[::1]:0", "[2001:db8::5]:65535",
                           "unix:/tmp/.s.PGSQL.6432", "unix:@abstract", "0.0.0.0:80"}) {
    INFO(text);
    const auto address = Address::parse(text);
    REQUIRE(address);
    CHECK(address->text() == text);
    CHECK(*Address::parse(address->text()) == *address);
  }
  CHECK(Address::parse("/tmp/x")->text() == "unix:/tmp/x");
  CHECK(Address::parse("@name")->path() == "@name");
  for (const char* text : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1",
                           "::1:80", "localhost:80", "unix:", "127.0.0.1:80x"}) {
    INFO(text);
    CHECK(!Address::parse(text));
  }
  CHECK(!Address::parse("/" + std::string(200, 'x')));
}

TEST_CASE("ports", "[address]") {
  auto address = *Address::numeric("::1", 1);
  address.set_port(6432);
  CHECK(address.port() == 6432);
  CHECK(address == *Address::numeric("::1", 6432));
  CHECK(!(address == *Address::numeric("::1", 6433)));
  CHECK(!(address == *Address::numeric("127.0.0.1", 6432)));
  CHECK(Address::unix_path("/x").port() == 0);
}

TEST_CASE("unix paths have a limit", "[address]") {
  const auto longest = "/" + std::string(106, 'x');
  CHECK(Address::unix_path(longest).path() == longest);
  CHECK_THROWS_AS(Address::unix_path(longest + "x"), SystemError);
  CHECK_THROWS_AS(Address::unix_path(""), SystemError);
  CHECK(Address::unix_path("/a").host() == "unix");
  CHECK(!(Address::unix_path("@a") == Address::unix_path("@b")));
}

TEST_CASE("a host that is a directory has its socket there", "[address]") {
  CHECK(is_unix_host("/tmp"));
  CHECK(is_unix_host("@abstract"));
  CHECK_FALSE(is_unix_host("localhost"));
  CHECK_FALSE(is_unix_host(""));
  CHECK(Address::unix_socket("/tmp", 6432).path() == "/tmp/.s.PGSQL.6432");
  CHECK(Address::unix_socket("@abstract", 6432).path() == "@abstract/.s.PGSQL.6432");
  CHECK_THROWS_AS(Address::unix_socket("/" + std::string(100, 'x'), 6432), SystemError);
}

TEST_CASE("a unix peer is known by its process", "[address]") {
  const auto pair = unix_pair();
  const PeerAddress peer = peer_of(pair.ours.get());
  CHECK(peer.address.is_unix());
  CHECK(peer.address.text() == "unix:");
  REQUIRE(peer.has_credentials);
  CHECK(peer.uid == ::getuid());
  CHECK(peer.pid == ::getpid());
}

TEST_CASE("a TCP peer is known by its address", "[address]") {
  const auto pair = tcp_pair();
  const PeerAddress peer = peer_of(pair.ours.get());
  CHECK(!peer.has_credentials);
  CHECK(peer.address.host() == "127.0.0.1");
  CHECK(peer.address == local_of(pair.theirs.get()));
  CHECK_THROWS_AS(peer_of(-1), SystemError);
}

}  // namespace remuda::io::address_test
