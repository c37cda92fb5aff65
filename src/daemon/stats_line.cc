#include "daemon/stats_line.h"

#include <fmt/core.h>

#include <string>

#include "admin/gather.h"
#include "daemon/notify.h"
#include "proxy/worker.h"
#include "remuda/base/log.h"

namespace remuda::daemon {

void StatsLine::start() {
  const Micros period = control_.snapshot().config->stats_period;
  if (period == period_) return;
  period_ = period;
  if (period_ <= 0) return timer_.stop();
  last_time_ = monotonic_now();
  timer_.repeat(period_, [this] {
    if (control_.snapshot().config->log_stats) control_.tasks().spawn(print());
  });
}

io::Task<void> StatsLine::print() {
  auto total_of = [](proxy::Worker& worker) {
    proxy::Stats total;
    for (auto& [key, pool] : worker.shards) total += pool->stats.now;
    return total;
  };
  const std::vector<proxy::Stats> totals = co_await admin::gather(control_, total_of);
  proxy::Stats total;
  for (const proxy::Stats& part : totals) total += part;
  const proxy::Stats d = total - last_;
  const Micros now = monotonic_now();
  const auto seconds = static_cast<uint64_t>(std::max<Micros>((now - last_time_) / kSecond, 1));
  last_ = total;
  last_time_ = now;
  const auto each = [](uint64_t time, uint64_t count) { return count == 0 ? 0 : time / count; };
  const std::string line = fmt::format(
      "stats: {} xacts/s, {} queries/s, {} client parses/s, {} server parses/s, {} binds/s, "
      "{} client logins/s, in {} B/s, out {} B/s, xact {} us, query {} us, wait {} us",
      d.transactions / seconds, d.queries / seconds, d.client_parses / seconds,
      d.server_parses / seconds, d.binds / seconds, d.client_logins / seconds, d.received / seconds,
      d.sent / seconds, each(d.transaction_time, d.transactions), each(d.query_time, d.queries),
      each(d.wait_time, d.server_assignments));
  log::info("{}", line);
  notify("STATUS=" + line);
}

}  // namespace remuda::daemon
