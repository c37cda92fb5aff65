#include "admin/catalog.h"
#include "admin/commands.h"
#include "remuda/base/log.h"

namespace remuda::admin {

// No answer: the connection closes with the process.
Answer shut_down_now(Call& call) {
  log::info("SHUTDOWN command issued");
  call.control.shut_down(proxy::Shutdown::none);
  throw Closed("shutting down");
  co_return std::string();
}

Answer shut_down_after_servers(Call& call) {
  log::info("SHUTDOWN WAIT_FOR_SERVERS command issued");
  call.control.shut_down(proxy::Shutdown::wait_for_servers);
  co_return done("SHUTDOWN");
}

Answer shut_down_after_clients(Call& call) {
  log::info("SHUTDOWN WAIT_FOR_CLIENTS command issued");
  call.control.shut_down(proxy::Shutdown::wait_for_clients);
  co_return done("SHUTDOWN");
}

Answer shut_down_after_transactions(Call& call) {
  log::info("SHUTDOWN WAIT_FOR_TRANSACTIONS command issued");
  call.control.shut_down(proxy::Shutdown::wait_for_transactions);
  co_return done("SHUTDOWN");
}

}  // namespace remuda::admin
