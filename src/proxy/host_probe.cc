#include "proxy/host_probe.h"

#include <algorithm>
#include <charconv>

#include "io/connect.h"
#include "io/deadline.h"
#include "pg/login.h"
#include "pg/query.h"
#include "proxy/server_tls.h"
#include "proxy/socket_options.h"

namespace remuda::proxy {
namespace {

// Everything in one round trip. Nothing in it needs a privilege, and it writes nothing.
// The timeline of a standby is that of its last restart point, or later.
constexpr const char* kQuestion = R"(
SELECT r, CASE WHEN r THEN NULL ELSE pg_catalog.pg_current_wal_lsn() - '0/0' END,
 CASE WHEN r THEN pg_catalog.pg_last_wal_receive_lsn() - '0/0' END,
 CASE WHEN r THEN pg_catalog.pg_last_wal_replay_lsn() - '0/0' END,
 CASE WHEN r THEN (extract(epoch FROM pg_catalog.clock_timestamp()
   - pg_catalog.pg_last_xact_replay_timestamp()) * 1000000)::bigint END,
 CASE WHEN r THEN (SELECT timeline_id::text FROM pg_catalog.pg_control_checkpoint())
   ELSE substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8) END,
 (SELECT system_identifier FROM pg_catalog.pg_control_system())
FROM pg_catalog.pg_is_in_recovery() r
)";
constexpr size_t kColumns = 7;

// Nothing: NULL, or no number.
template <class Number>
std::optional<Number> number(const wire::Value& text, int base = 10) {
  if (!text) return std::nullopt;
  Number value{};
  const char* end = text->data() + text->size();
  const auto [rest, error] = std::from_chars(text->data(), end, value, base);
  if (error != std::errc() || rest != end) return std::nullopt;
  return value;
}

ProbeAnswer read_answer(const pg::QueryResult& result) {
  if (result.columns != kColumns || result.rows.size() != 1) {
    throw PgError("the answer to the check is not understood");
  }
  const pg::Row& row = result.rows.front();
  const bool in_recovery = row[0] == wire::Value("t");
  if (!in_recovery && row[0] != wire::Value("f")) {
    throw PgError("the answer to the check is not understood");
  }
  ProbeAnswer answer;
  answer.role = in_recovery ? route::HostRole::standby : route::HostRole::primary;
  answer.written = number<uint64_t>(row[1]);
  answer.standby.received = number<uint64_t>(row[2]);
  answer.standby.replayed = number<uint64_t>(row[3]);
  answer.standby.replay_age = number<int64_t>(row[4]);
  answer.timeline = number<uint32_t>(row[5], in_recovery ? 10 : 16).value_or(0);
  answer.system = number<uint64_t>(row[6]).value_or(0);
  return answer;
}

pg::LoginRequest make_request(const ProbeTarget& target, const io::Stream& stream) {
  pg::LoginRequest request;
  request.user = target.user;
  request.startup = {{"user", target.user},
                     {"database", target.database},
                     {"application_name", "remuda health check"}};
  request.secret = target.secret;
  if (stream.tls()) request.channel_binding = stream.tls()->channel_binding();
  return request;
}

}  // namespace

io::Task<ProbeAnswer> probe_host(ProbeTools& tools, Snapshot snapshot, ProbeTarget target) {
  const Micros timeout = std::max<Micros>(snapshot.config->health_check_timeout, 10 * kMillisecond);
  const io::TcpOptions options = tcp_options(*snapshot.config);
  io::Stream stream =
      co_await io::connect(tools.loop, target.address, timeout, &tools.tasks, options);
  // It begins anew here: who is slow to connect is rarely slow to answer as well.
  io::Deadline deadline(tools.loop, timeout, stream, "health_check_timeout");
  const io::CloseLink link(tools.tasks, stream);
  co_await encrypt_server(snapshot, tools.crypto, stream, target.host);
  pg::LoginRequest request = make_request(target, stream);
  co_await pg::log_in(stream, std::move(request), tools.keys);
  std::string question = kQuestion;
  std::vector<std::string> none;
  const pg::QueryLimits limits;
  const pg::QueryResult result =
      co_await pg::query(stream, std::move(question), std::move(none), limits);
  std::string goodbye;
  wire::terminate(goodbye);
  stream.write(goodbye);
  stream.flush_and_close();
  co_return read_answer(result);
}

}  // namespace remuda::proxy
