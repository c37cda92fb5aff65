#include "auth/ldap_watch.h"

#include <sys/socket.h>
#include <unistd.h>

#include "support/catch.h"

namespace remuda::auth::ldap_watch_test {
namespace {

struct Pair {
  Pair() { REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0); }
  ~Pair() {
    close(ends[0]);
    close(ends[1]);
  }
  // Whether the watched end has been ended: then reading does not wait.
  bool is_ended() const {
    char byte;
    return recv(ends[0], &byte, 1, MSG_DONTWAIT) == 0;
  }
  int ends[2];
};

}  // namespace

TEST_CASE("a step that is late loses its socket") {
  Pair pair;
  LdapWatch watch;
  watch.begin_step(100);
  REQUIRE(watch.watch(pair.ends[0]));
  watch.look(100);
  CHECK_FALSE(pair.is_ended());
  watch.begin_step(200);
  watch.look(200);
  CHECK_FALSE(pair.is_ended());
  watch.look(201);
  CHECK(pair.is_ended());
}

TEST_CASE("a socket that is not watched any more is left alone") {
  Pair first;
  Pair second;
  LdapWatch watch;
  watch.begin_step(100);
  REQUIRE(watch.watch(first.ends[0]));
  REQUIRE(watch.watch(second.ends[0]));
  watch.look(101);
  CHECK_FALSE(first.is_ended());
  CHECK(second.is_ended());

  REQUIRE(watch.watch(first.ends[0]));
  watch.forget();
  watch.look(101);
  CHECK_FALSE(first.is_ended());
  CHECK_FALSE(watch.watch(-1));
  watch.look(101);
}

}  // namespace remuda::auth::ldap_watch_test
