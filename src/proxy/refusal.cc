#include "proxy/refusal.h"

#include "remuda/base/log.h"
#include "remuda/wire/builder.h"

namespace remuda::proxy {

void refuse(io::Stream& stream, const std::string& name, const PgError& error, Micros age,
            const config::Config& config) {
  if (config.log_pooler_errors) log::warning("{} pooler error: {}", name, error.what());
  log_lost(name, error.what(), age, config);
  std::string out;
  wire::error_response(out, "FATAL", error.sqlstate(), error.what());
  stream.write(out);
  stream.flush_and_close();
}

void log_lost(const std::string& name, const char* why, Micros age, const config::Config& config) {
  if (!config.log_disconnections) return;
  log::info("{} closing because: {} (age={}s)", name, why, age / kSecond);
}

}  // namespace remuda::proxy
