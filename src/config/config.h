// The configuration: one immutable, typed snapshot of what the files say. Made by load.h; held by
// shared pointers and read by any thread. A member is named exactly as its setting. Times are in
// microseconds, sizes in bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remuda/base/time.h"

namespace remuda::config {

enum class PoolMode { session, transaction, statement };
enum class AuthType { any, trust, plain, md5, cert, hba, scram_sha_256, pam, ldap };
enum class TlsMode { disable, allow, prefer, require, verify_ca, verify_full };
enum class TlsNegotiation { postgres, direct };
// Which settings of a client follow it from server to server: all that can be seen, or those that
// servers report.
enum class TrackSettings { off, reported, on };
enum class LoadBalance { round_robin, random, least_active, disable };
// Which hosts serve a database. read_write is primary, and read_only is standby, by another name.
enum class TargetSession { any, read_write, read_only, primary, standby, prefer_standby };
enum class OnDemotion { drain, kill };

// Longest names in bytes, as PgBouncer takes them.
inline constexpr size_t kMaxDatabaseName = 63;
inline constexpr size_t kMaxUserName = 127;

// What the console's virtual database, and the user it shows there, are called. "remuda" is another
// name for the database.
inline constexpr const char* kConsoleName = "pgbouncer";
bool is_console(std::string_view database) noexcept;

// The words of the files ("scram-sha-256"), and back: case does not matter, nothing if unknown.
const char* to_text(PoolMode mode) noexcept;
const char* to_text(AuthType type) noexcept;
const char* to_text(TlsMode mode) noexcept;
const char* to_text(TlsNegotiation negotiation) noexcept;
const char* to_text(TrackSettings tracking) noexcept;
const char* to_text(LoadBalance balance) noexcept;
const char* to_text(TargetSession target) noexcept;
const char* to_text(OnDemotion choice) noexcept;
std::optional<PoolMode> pool_mode_from(std::string_view text) noexcept;
std::optional<AuthType> auth_type_from(std::string_view text) noexcept;
std::optional<TlsMode> tls_mode_from(std::string_view text) noexcept;
std::optional<TlsNegotiation> tls_negotiation_from(std::string_view text) noexcept;
std::optional<TrackSettings> track_settings_from(std::string_view text) noexcept;
std::optional<LoadBalance> load_balance_from(std::string_view text) noexcept;
std::optional<TargetSession> target_session_from(std::string_view text) noexcept;
std::optional<OnDemotion> on_demotion_from(std::string_view text) noexcept;

// An entry of [databases]. What is nothing falls back to the global setting (effective.h).
struct Database {
  std::string name;                          // as clients call it; "*" for the fallback
  std::string dbname;                        // as the server calls it; "*" means the name asked for
  std::vector<std::string> hosts;            // none: unix_socket_dir
  int port = 5432;                           // of every host, unless there are more
  std::vector<int> ports;                    // one for each host; fewer than two: `port`
  std::vector<int> host_weights;             // the same; none: all alike
  std::optional<std::string> user;           // forced user
  std::optional<std::string> password;       // that of `user`
  std::optional<std::string> password_file;  // where `password` was read from
  std::optional<std::string> auth_user;
  std::optional<std::string> auth_query;
  std::optional<std::string> auth_dbname;
  std::optional<int> pool_size;
  std::optional<int> min_pool_size;
  std::optional<int> reserve_pool_size;
  std::optional<int> max_db_connections;
  std::optional<int> max_db_client_connections;
  std::optional<Micros> server_lifetime;
  std::optional<Micros> query_wait_timeout;
  std::optional<PoolMode> pool_mode;
  LoadBalance load_balance_hosts = LoadBalance::round_robin;
  TargetSession target_session_attrs = TargetSession::any;
  std::optional<bool> health_check;  // whether its hosts are checked; nothing: if that is needed
  std::vector<std::string> patroni_urls;  // none: the global setting
  std::optional<std::string> connect_query;
  std::optional<std::string> client_encoding;
  std::optional<std::string> datestyle;
  std::optional<std::string> timezone;
  std::optional<std::string> application_name;

  bool operator==(const Database&) const = default;
};

// An entry of [users].
struct User {
  std::string name;
  std::optional<PoolMode> pool_mode;
  std::optional<int> pool_size;
  std::optional<int> reserve_pool_size;
  std::optional<int> max_user_connections;
  std::optional<int> max_user_client_connections;
  std::optional<Micros> query_timeout;
  std::optional<Micros> query_wait_timeout;
  std::optional<Micros> idle_transaction_timeout;
  std::optional<Micros> transaction_timeout;
  std::optional<Micros> client_idle_timeout;

  bool operator==(const User&) const = default;
};

// An entry of [peers].
struct Peer {
  int id = 0;
  std::string host;
  int port = 6432;
  std::optional<int> pool_size;

  bool operator==(const Peer&) const = default;
};

struct Config {
  std::vector<std::string> admin_users;
  bool application_name_add_host = false;
  std::optional<std::string> auth_dbname;
  std::optional<std::string> auth_file;
  std::string auth_hba_file;
  std::optional<std::string> auth_ident_file;
  std::optional<std::string> auth_ldap_options;
  std::string auth_query =
      "SELECT rolname, CASE WHEN rolvaliduntil < now() THEN NULL ELSE rolpassword END "
      "FROM pg_authid WHERE rolname=$1 AND rolcanlogin";
  AuthType auth_type = AuthType::md5;
  std::optional<std::string> auth_user;
  Micros autodb_idle_timeout = 3600 * kSecond;
  Micros cancel_wait_timeout = 10 * kSecond;
  Micros client_idle_timeout = 0;
  Micros client_login_timeout = 60 * kSecond;
  std::optional<std::string> client_tls13_ciphers;
  std::string client_tls_ca_file;
  std::string client_tls_cert_file;
  std::string client_tls_ciphers = "default";
  std::string client_tls_dheparams = "auto";
  std::string client_tls_ecdhcurve = "auto";
  std::string client_tls_key_file;
  std::string client_tls_protocols = "secure";
  TlsMode client_tls_sslmode = TlsMode::disable;
  std::optional<std::string> conffile;
  int default_pool_size = 20;
  bool disable_pqexec = false;
  Micros dns_max_ttl = 15 * kSecond;
  Micros dns_nxdomain_ttl = 15 * kSecond;
  Micros dns_zone_check_period = 0;
  Micros idle_transaction_timeout = 0;
  std::vector<std::string> ignore_startup_parameters;
  std::string job_name = "pgbouncer";
  std::vector<std::string> listen_addr;
  int listen_backlog = 4096;
  int listen_port = 6432;
  bool log_connections = true;
  bool log_disconnections = true;
  bool log_pooler_errors = true;
  bool log_stats = true;
  std::string logfile;
  std::string login_notify_message;
  int max_client_conn = 100;
  int max_db_client_connections = 0;
  int max_db_connections = 0;
  uint32_t max_packet_size = 2147483647;
  int max_prepared_statements = 200;
  int max_user_client_connections = 0;
  int max_user_connections = 0;
  int min_pool_size = 0;
  int peer_id = 0;
  std::string pidfile;
  bool prepare_unnamed = false;
  int pkt_buf = 4096;
  PoolMode pool_mode = PoolMode::session;
  Micros pool_idle_timeout = 0;
  Micros query_timeout = 0;
  int query_wait_notify = 5;  // seconds
  Micros query_wait_timeout = 120 * kSecond;
  int reserve_pool_size = 0;
  Micros reserve_pool_timeout = 5 * kSecond;
  std::string resolv_conf;
  int sbuf_loopcnt = 5;
  int scram_iterations = 4096;
  Micros server_check_delay = 30 * kSecond;
  std::string server_check_query = "<empty>";
  Micros server_connect_timeout = 15 * kSecond;
  bool server_fast_close = false;
  Micros server_idle_timeout = 600 * kSecond;
  Micros server_lifetime = 3600 * kSecond;
  Micros server_login_retry = 15 * kSecond;
  std::string server_reset_query = "DISCARD ALL";
  bool server_reset_query_always = false;
  bool server_round_robin = false;
  std::optional<std::string> server_tls13_ciphers;
  std::string server_tls_ca_file;
  std::string server_tls_cert_file;
  std::string server_tls_ciphers = "default";
  std::string server_tls_key_file;
  std::string server_tls_protocols = "secure";
  TlsMode server_tls_sslmode = TlsMode::prefer;
  bool so_reuseport = false;
  Micros stats_period = 60 * kSecond;
  std::vector<std::string> stats_users;
  Micros suspend_timeout = 10 * kSecond;
  bool syslog = false;
  std::string syslog_facility = "daemon";
  std::string syslog_ident = "pgbouncer";
  bool tcp_defer_accept = true;
  bool tcp_keepalive = true;
  int tcp_keepcnt = 0;
  int tcp_keepidle = 0;   // seconds
  int tcp_keepintvl = 0;  // seconds
  int tcp_socket_buffer = 0;
  int tcp_user_timeout = 0;  // milliseconds
  std::vector<std::string> track_extra_parameters = {"IntervalStyle"};
  Micros transaction_timeout = 0;
  std::string unix_socket_dir = "/tmp";
  std::string unix_socket_group;
  int unix_socket_mode = 0777;
  std::optional<std::string> user;
  std::optional<int> verbose;
  int workers = 0;  // threads; 0 = one per core
  Micros auth_query_cache_ttl = 0;
  bool cancel_abandoned_queries = true;
  std::string patroni_ca_file;
  std::string patroni_cert_file;
  Micros patroni_interval = 2 * kSecond;
  std::string patroni_key_file;
  std::string patroni_password;
  Micros patroni_timeout = 2 * kSecond;
  std::vector<std::string> patroni_urls;
  std::string patroni_user;
  bool patroni_verify = true;
  bool server_long_cancel_keys = false;
  TlsNegotiation server_tls_negotiation = TlsNegotiation::postgres;
  uint32_t failover_wait_bytes = 64 * 1024 * 1024;
  int failover_wait_clients = 0;
  Micros failover_wait_timeout = 30 * kSecond;
  std::optional<std::string> health_check_database;
  int health_check_fall = 3;
  Micros health_check_fast_interval = 250 * kMillisecond;
  Micros health_check_interval = 2 * kSecond;
  int health_check_rise = 2;
  Micros health_check_timeout = 1 * kSecond;
  std::optional<std::string> health_check_user;
  Micros max_replica_lag = 0;
  uint32_t max_replica_lag_bytes = 0;
  OnDemotion on_demotion = OnDemotion::drain;
  Micros slow_start = 30 * kSecond;
  TrackSettings track_session_settings = TrackSettings::on;

  std::map<std::string, Database> databases;
  std::optional<Database> fallback;  // the entry `*`
  std::map<std::string, User> users;
  std::map<int, Peer> peers;
  std::string path;  // the file it was read from
};

}  // namespace remuda::config
