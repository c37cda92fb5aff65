#include "proxy/socket_options.h"

#include "support/catch.h"

namespace remuda::proxy::socket_options_test {

TEST_CASE("a checked host that is gone without a word ends its connections, as settings permit") {
  config::Config config;
  CHECK(tcp_options(config).user_timeout == 0);
  CHECK(tcp_options(config).keepalive_idle == 0);
  const io::TcpOptions checked = checked_tcp_options(config);
  CHECK(checked.keepalive_idle + checked.keepalive_count * checked.keepalive_interval == 10);
  CHECK(checked.user_timeout == 10'000);
  config.tcp_keepidle = 60;
  config.tcp_user_timeout = 90'000;
  CHECK(checked_tcp_options(config).keepalive_idle == 60);
  CHECK(checked_tcp_options(config).user_timeout == 90'000);
}

}  // namespace remuda::proxy::socket_options_test
