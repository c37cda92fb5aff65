#include "proxy/cancel_request.h"

#include "remuda/base/log.h"
#include "remuda/wire/builder.h"

namespace remuda::proxy {

io::Task<void> send_cancel_request(io::Stream& stream, uint32_t pid, std::string secret) {
  std::string out;
  wire::cancel_request(out, pid, secret);
  stream.write(out);
  char buffer[16];
  try {
    while (true) co_await stream.read_some(buffer, sizeof buffer);
  } catch (const Closed&) {
    // This is the answer.
  }
}

io::Task<void> log_cancel_request(std::string name, io::Task<void> sending) {
  try {
    co_await std::move(sending);
    log::debug("{} successfully sent cancel request", name);
  } catch (const Closed& error) {
    log::debug("{} failed cancel request: {}", name, error.what());
  } catch (const TimedOut&) {
    log::warning("{} closing because: cancel_wait_timeout", name);
  } catch (const std::exception& error) {
    log::warning("{} failed cancel request: {}", name, error.what());
  }
}

}  // namespace remuda::proxy
