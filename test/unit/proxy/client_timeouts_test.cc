#include "proxy/client_timeouts.h"

#include "support/catch.h"

namespace remuda::proxy::client_timeouts_test {
namespace {

config::User user(const char* name) {
  config::User made;
  made.name = name;
  return made;
}

}  // namespace

TEST_CASE("a user's own timeouts win over the global ones") {
  config::Config config;
  config.query_timeout = 10;
  config.idle_transaction_timeout = 20;
  config.users["u"] = user("u");
  config.users["u"].query_timeout = 3;
  config.users["u"].client_idle_timeout = 4;
  const ClientTimeouts own = client_timeouts(config, "u");
  CHECK(own.query == 3);
  CHECK(own.idle_transaction == 20);
  CHECK(own.transaction == 0);
  CHECK(own.idle == 4);
  CHECK(client_timeouts(config, "other").query == 10);
  CHECK(client_timeouts(config, "other").idle == 0);
}

TEST_CASE("the shortest is that of whoever has least time, whatever the global one is") {
  config::Config config;
  CHECK(!shortest_timeouts(config).limit_use());
  CHECK(shortest_timeouts(config).idle == 0);
  config.query_timeout = 10;
  config.users["a"] = user("a");
  config.users["a"].query_timeout = 30;
  config.users["a"].transaction_timeout = 7;
  config.users["b"] = user("b");
  config.users["b"].query_timeout = 2;
  config.users["b"].transaction_timeout = 9;
  const ClientTimeouts shortest = shortest_timeouts(config);
  CHECK(shortest.limit_use());
  CHECK(shortest.query == 2);
  CHECK(shortest.transaction == 7);
  CHECK(shortest.idle_transaction == 0);
  CHECK(shortest.idle == 0);
}

}  // namespace remuda::proxy::client_timeouts_test
