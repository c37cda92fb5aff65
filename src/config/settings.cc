#include "config/settings.h"

#include "config/nearest.h"

namespace remuda::config {
namespace {

// What may be done with a setting, and where.
struct Traits {
  bool reloadable = false;
  bool per_database = false;
  bool per_user = false;
  bool acts = true;
};
constexpr Traits kFixed{};
constexpr Traits kReload{.reloadable = true};
constexpr Traits kDatabase{.reloadable = true, .per_database = true};
constexpr Traits kUser{.reloadable = true, .per_user = true};
constexpr Traits kBoth{.reloadable = true, .per_database = true, .per_user = true};

constexpr Traits without_effect(Traits traits) {
  traits.acts = false;
  return traits;
}

constexpr Setting row(const char* name, Member member, const char* default_text, Traits traits,
                      const char* help) {
  return {
      name,        member, default_text, traits.reloadable, traits.per_database, traits.per_user,
      traits.acts, help};
}

constexpr Setting kSettings[] = {
    row("admin_users", &Config::admin_users, "", kReload,
        "Users who may run every console command"),
    row("application_name_add_host", &Config::application_name_add_host, "0", kReload,
        "Add the client's host and port to its application_name"),
    row("auth_dbname", &Config::auth_dbname, nullptr, kDatabase,
        "Database in which auth_query runs"),
    row("auth_file", &Config::auth_file, nullptr, kReload, "File of user names and secrets"),
    row("auth_hba_file", &Config::auth_hba_file, "", kReload,
        "Rules of who may log in and how, for auth_type hba"),
    row("auth_ident_file", &Config::auth_ident_file, nullptr, kReload,
        "Maps from system or certificate names to users"),
    row("auth_ldap_options", &Config::auth_ldap_options, nullptr, kReload,
        "Options for auth_type ldap"),
    row("auth_query", &Config::auth_query,
        "SELECT rolname, CASE WHEN rolvaliduntil < now() THEN NULL ELSE rolpassword END FROM "
        "pg_authid WHERE rolname=$1 AND rolcanlogin",
        kDatabase, "Query that looks up the secret of a user; returns name and secret"),
    row("auth_type", &Config::auth_type, "md5", kReload,
        "How clients log in: any, trust, plain, md5, scram-sha-256, cert, hba, ldap, pam"),
    row("auth_user", &Config::auth_user, nullptr, kDatabase,
        "User that runs auth_query; unset: no auth_query"),
    row("autodb_idle_timeout", Seconds{&Config::autodb_idle_timeout}, "3600", kReload,
        "Seconds until an unused database made from * is forgotten; 0: never"),
    row("cancel_wait_timeout", Seconds{&Config::cancel_wait_timeout}, "10", kReload,
        "Seconds a cancel request may wait; 0: no limit"),
    row("client_idle_timeout", Seconds{&Config::client_idle_timeout}, "0", kUser,
        "Seconds until a silent client without a server is closed; 0: never"),
    row("client_login_timeout", Seconds{&Config::client_login_timeout}, "60", kReload,
        "Seconds a login may take; 0: no limit"),
    row("client_tls13_ciphers", &Config::client_tls13_ciphers, nullptr, kReload,
        "TLS 1.3 cipher suites for clients; unset: OpenSSL's"),
    row("client_tls_ca_file", &Config::client_tls_ca_file, "", kReload,
        "Authorities that may sign client certificates"),
    row("client_tls_cert_file", &Config::client_tls_cert_file, "", kReload,
        "Certificate shown to clients"),
    row("client_tls_ciphers", &Config::client_tls_ciphers, "default", kReload,
        "Ciphers for clients up to TLS 1.2"),
    row("client_tls_dheparams", &Config::client_tls_dheparams, "auto", kReload,
        "Diffie-Hellman parameters: none or auto"),
    row("client_tls_ecdhcurve", &Config::client_tls_ecdhcurve, "auto", kReload,
        "Elliptic curve: none, auto or a name"),
    row("client_tls_key_file", &Config::client_tls_key_file, "", kReload,
        "Private key of the certificate shown to clients"),
    row("client_tls_protocols", &Config::client_tls_protocols, "secure", kReload,
        "TLS versions for clients: tlsv1.0 to tlsv1.3, all, secure"),
    row("client_tls_sslmode", &Config::client_tls_sslmode, "disable", kReload,
        "TLS with clients: disable, allow, prefer, require, verify-ca, verify-full"),
    row("conffile", &Config::conffile, nullptr, kReload, "File that the next RELOAD reads"),
    row("default_pool_size", &Config::default_pool_size, "20", kBoth,
        "Server connections per pool (database and user); 0: no limit"),
    row("disable_pqexec", &Config::disable_pqexec, "0", kFixed,
        "Close clients that send simple queries"),
    row("dns_max_ttl", Seconds{&Config::dns_max_ttl}, "15", kReload,
        "Seconds a host's addresses are remembered"),
    row("dns_nxdomain_ttl", Seconds{&Config::dns_nxdomain_ttl}, "15", kReload,
        "Seconds it is remembered that a host is unknown"),
    row("dns_zone_check_period", Seconds{&Config::dns_zone_check_period}, "0", kReload,
        "Seconds after which known hosts are looked up again unasked; 0: never"),
    row("idle_transaction_timeout", Seconds{&Config::idle_transaction_timeout}, "0", kUser,
        "Seconds a client may idle in a transaction; 0: no limit"),
    row("ignore_startup_parameters", &Config::ignore_startup_parameters, "", kReload,
        "Startup parameters of clients to ignore"),
    row("job_name", &Config::job_name, "pgbouncer", kFixed, "A name that is only shown"),
    row("listen_addr", &Config::listen_addr, "", kFixed,
        "Addresses to listen on, a comma list; *: all; empty: no TCP"),
    row("listen_backlog", &Config::listen_backlog, "4096", kFixed,
        "Connections that may wait to be accepted"),
    row("listen_port", &Config::listen_port, "6432", kFixed,
        "TCP port, and suffix of the Unix socket"),
    row("log_connections", &Config::log_connections, "1", kReload,
        "Log logins and new server connections"),
    row("log_disconnections", &Config::log_disconnections, "1", kReload, "Log why connections end"),
    row("log_pooler_errors", &Config::log_pooler_errors, "1", kReload,
        "Log errors that clients are told"),
    row("log_stats", &Config::log_stats, "1", kReload,
        "Log a line of statistics every stats_period"),
    row("logfile", &Config::logfile, "", kReload,
        "File the log is appended to; empty: standard error only"),
    row("login_notify_message", &Config::login_notify_message, "", kReload,
        "Notice sent to each client that has logged in"),
    row("max_client_conn", &Config::max_client_conn, "100", kReload,
        "Client connections of all kinds"),
    row("max_db_client_connections", &Config::max_db_client_connections, "0", kDatabase,
        "Client connections per database; 0: no limit"),
    row("max_db_connections", &Config::max_db_connections, "0", kDatabase,
        "Server connections per database; 0: no limit"),
    row("max_packet_size", &Config::max_packet_size, "2147483647", kReload,
        "Bytes of the largest message from either side"),
    row("max_prepared_statements", &Config::max_prepared_statements, "200", kReload,
        "Prepared statements kept on a server for clients; 0: do not track them"),
    row("max_user_client_connections", &Config::max_user_client_connections, "0", kUser,
        "Client connections per user; 0: no limit"),
    row("max_user_connections", &Config::max_user_connections, "0", kUser,
        "Server connections per user; 0: no limit"),
    row("min_pool_size", &Config::min_pool_size, "0", kDatabase,
        "Server connections a pool in use keeps open"),
    row("peer_id", &Config::peer_id, "0", kReload, "Own number among [peers]; 0: no peers"),
    row("pidfile", &Config::pidfile, "", kFixed, "File for the process id; needed with -d"),
    row("pkt_buf", &Config::pkt_buf, "4096", without_effect(kFixed),
        "Never needed: connections share one buffer, so there is no size to choose"),
    row("pool_mode", &Config::pool_mode, "session", kBoth,
        "When a server is free again: after a session, transaction or statement"),
    row("pool_idle_timeout", Seconds{&Config::pool_idle_timeout}, "0", kReload,
        "Seconds until a pool without clients and servers is forgotten; 0: never"),
    row("query_timeout", Seconds{&Config::query_timeout}, "0", kUser,
        "Seconds a query may run; 0: no limit"),
    row("query_wait_notify", &Config::query_wait_notify, "5", kReload,
        "Seconds of waiting after which a client gets a notice; 0: none"),
    row("query_wait_timeout", Seconds{&Config::query_wait_timeout}, "120", kBoth,
        "Seconds a client may wait for a server; 0: for ever"),
    row("reserve_pool_size", &Config::reserve_pool_size, "0", kBoth,
        "Servers a pool may add when clients wait too long; 0: none"),
    row("reserve_pool_timeout", Seconds{&Config::reserve_pool_timeout}, "5", kReload,
        "Seconds of waiting until the reserve is used; 0: never"),
    row("resolv_conf", &Config::resolv_conf, "", without_effect(kFixed),
        "Never used: the C library looks names up, by /etc/resolv.conf"),
    row("sbuf_loopcnt", &Config::sbuf_loopcnt, "5", without_effect(kReload),
        "Never needed: one shared buffer is read per wake-up, so there are no rounds to count"),
    row("scram_iterations", &Config::scram_iterations, "4096", kReload,
        "SCRAM rounds for secrets stored as plain text"),
    row("server_check_delay", Seconds{&Config::server_check_delay}, "30", kReload,
        "Seconds of idleness after which a server is checked before use; 0: always check"),
    row("server_check_query", &Config::server_check_query, "<empty>", kReload,
        "Query that checks a server; <empty>: an empty query; nothing: no check"),
    row("server_connect_timeout", Seconds{&Config::server_connect_timeout}, "15", kReload,
        "Seconds to connect and log in to a server; 0: no limit"),
    row("server_fast_close", &Config::server_fast_close, "0", kReload,
        "Session pools: close outdated servers between transactions, with their clients"),
    row("server_idle_timeout", Seconds{&Config::server_idle_timeout}, "600", kReload,
        "Seconds until an unused server is closed; 0: never"),
    row("server_lifetime", Seconds{&Config::server_lifetime}, "3600", kDatabase,
        "Seconds a server is used before it is replaced; 0: one use"),
    row("server_login_retry", Seconds{&Config::server_login_retry}, "15", kReload,
        "Seconds to wait after a failed connect or login"),
    row("server_reset_query", &Config::server_reset_query, "DISCARD ALL", kReload,
        "Query that cleans a server after a session; empty: none"),
    row("server_reset_query_always", &Config::server_reset_query_always, "0", kReload,
        "Run server_reset_query in every pool mode"),
    row("server_round_robin", &Config::server_round_robin, "0", kReload,
        "Use the server that has idled longest, not the last one used"),
    row("server_tls13_ciphers", &Config::server_tls13_ciphers, nullptr, kReload,
        "TLS 1.3 cipher suites for servers; unset: OpenSSL's"),
    row("server_tls_ca_file", &Config::server_tls_ca_file, "", kReload,
        "Authorities that may sign server certificates"),
    row("server_tls_cert_file", &Config::server_tls_cert_file, "", kReload,
        "Certificate shown to servers"),
    row("server_tls_ciphers", &Config::server_tls_ciphers, "default", kReload,
        "Ciphers for servers up to TLS 1.2"),
    row("server_tls_key_file", &Config::server_tls_key_file, "", kReload,
        "Private key of the certificate shown to servers"),
    row("server_tls_protocols", &Config::server_tls_protocols, "secure", kReload,
        "TLS versions for servers: tlsv1.0 to tlsv1.3, all, secure"),
    row("server_tls_sslmode", &Config::server_tls_sslmode, "prefer", kReload,
        "TLS with servers: disable, allow, prefer, require, verify-ca, verify-full"),
    row("so_reuseport", &Config::so_reuseport, "0", kFixed,
        "Set SO_REUSEPORT, so that several processes may share the port"),
    row("stats_period", Seconds{&Config::stats_period}, "60", kReload,
        "Seconds over which averages are taken; fixed at start"),
    row("stats_users", &Config::stats_users, "", kReload, "Users who may run SHOW on the console"),
    row("suspend_timeout", Seconds{&Config::suspend_timeout}, "10", kReload,
        "Seconds SUSPEND waits for connections; 0: for ever"),
    row("syslog", &Config::syslog, "0", kReload, "Log to syslog"),
    row("syslog_facility", &Config::syslog_facility, "daemon", kReload,
        "auth, authpriv, daemon, user, or local0 to local7"),
    row("syslog_ident", &Config::syslog_ident, "pgbouncer", kReload,
        "Name in front of the lines in syslog"),
    row("tcp_defer_accept", &Config::tcp_defer_accept, "1", kReload,
        "Accept clients only once they have sent something"),
    row("tcp_keepalive", &Config::tcp_keepalive, "1", kReload,
        "Let the system notice dead connections"),
    row("tcp_keepcnt", &Config::tcp_keepcnt, "0", kReload,
        "Probes until a connection is dead; 0: the system's"),
    row("tcp_keepidle", &Config::tcp_keepidle, "0", kReload,
        "Seconds of silence before the first probe; 0: the system's"),
    row("tcp_keepintvl", &Config::tcp_keepintvl, "0", kReload,
        "Seconds between probes; 0: the system's"),
    row("tcp_socket_buffer", &Config::tcp_socket_buffer, "0", kReload,
        "Bytes of the kernel's buffers of a socket; 0: the system's"),
    row("tcp_user_timeout", &Config::tcp_user_timeout, "0", kReload,
        "Milliseconds until unacknowledged data ends a connection; 0: the system's"),
    row("track_extra_parameters", &Config::track_extra_parameters, "IntervalStyle", kFixed,
        "More server parameters that are kept per client"),
    row("transaction_timeout", Seconds{&Config::transaction_timeout}, "0", kUser,
        "Seconds a transaction may last; 0: no limit"),
    row("unix_socket_dir", &Config::unix_socket_dir, "/tmp", kFixed,
        "Directory of the Unix socket, also for servers without a host; empty: none"),
    row("unix_socket_group", &Config::unix_socket_group, "", kFixed,
        "Group that the Unix socket is given to"),
    row("unix_socket_mode", &Config::unix_socket_mode, "0777", kFixed,
        "Permissions of the Unix socket"),
    row("user", &Config::user, nullptr, kFixed, "System user to become"),
    row("verbose", &Config::verbose, nullptr, kReload, "0; 1: debug messages; 2: everything"),
    row("workers", &Config::workers, "0", kFixed, "Worker threads; 0: one per core"),
    row("auth_query_cache_ttl", Seconds{&Config::auth_query_cache_ttl}, "0", kReload,
        "Seconds what auth_query found is remembered; 0: ask at every login"),
    row("cancel_abandoned_queries", &Config::cancel_abandoned_queries, "1", kReload,
        "Cancel a query on its server when the client that asked it is lost"),
    row("patroni_ca_file", &Config::patroni_ca_file, "", kReload,
        "Authorities that may sign certificates of Patroni; empty: the system's"),
    row("patroni_cert_file", &Config::patroni_cert_file, "", kReload,
        "Certificate shown to Patroni"),
    row("patroni_interval", Seconds{&Config::patroni_interval}, "2", kReload,
        "Seconds between two requests to Patroni, at least 0.1"),
    row("patroni_key_file", &Config::patroni_key_file, "", kReload,
        "Private key of the certificate shown to Patroni; empty: it is in the same file"),
    row("patroni_password", &Config::patroni_password, "", kReload,
        "Password of patroni_user; never shown"),
    row("patroni_timeout", Seconds{&Config::patroni_timeout}, "2", kReload,
        "Seconds that one of patroni_urls has to answer, at least 0.1"),
    row("patroni_urls", &Config::patroni_urls, "", kDatabase,
        "REST interfaces of Patroni that tell the hosts of a cluster, such as http://h1:8008"),
    row("patroni_user", &Config::patroni_user, "", kReload,
        "User of basic authentication with Patroni; empty: none"),
    row("patroni_verify", &Config::patroni_verify, "1", kReload,
        "Verify the certificates of https URLs of Patroni"),
    row("prepare_unnamed", &Config::prepare_unnamed, "0", kReload,
        "Keep the unnamed prepared statement on servers as well, so that its plan is used again"),
    row("server_long_cancel_keys", &Config::server_long_cancel_keys, "0", kReload,
        "Ask servers for protocol 3.2, whose cancel keys are long; PostgreSQL before 11 may "
        "refuse"),
    row("track_session_settings", &Config::track_session_settings, "on", kReload,
        "Settings that follow a client between servers: all it SETs (on), reported ones, none "
        "(off)"),
    row("server_tls_negotiation", &Config::server_tls_negotiation, "postgres", kReload,
        "TLS with servers begins with a request (postgres) or at once (direct, PostgreSQL 17)"),
    row("failover_wait_bytes", &Config::failover_wait_bytes, "67108864", kReload,
        "Bytes kept of clients that wait for a host; 0: no limit"),
    row("failover_wait_clients", &Config::failover_wait_clients, "0", kReload,
        "Clients that may wait for a host; 0: no limit"),
    row("failover_wait_timeout", Seconds{&Config::failover_wait_timeout}, "30", kReload,
        "Seconds clients wait while no host has the role they need; 0: query_wait_timeout alone"),
    row("health_check_database", &Config::health_check_database, nullptr, kReload,
        "Database that checks of hosts log in to; unset: that of the entry"),
    row("health_check_fall", &Config::health_check_fall, "3", kReload,
        "Failed checks after which a host is down"),
    row("health_check_fast_interval", Seconds{&Config::health_check_fast_interval}, "0.25", kReload,
        "Seconds between checks while a host goes up or down, or a role is missing"),
    row("health_check_interval", Seconds{&Config::health_check_interval}, "2", kReload,
        "Seconds between two checks of a host"),
    row("health_check_rise", &Config::health_check_rise, "2", kReload,
        "Good checks after which a host that was down is up"),
    row("health_check_timeout", Seconds{&Config::health_check_timeout}, "1", kReload,
        "Seconds a check may take"),
    row("health_check_user", &Config::health_check_user, nullptr, kReload,
        "User that checks hosts; unset: the forced user of the entry, or auth_user"),
    row("max_replica_lag", Seconds{&Config::max_replica_lag}, "0", kReload,
        "Seconds a standby may be behind and still be used; 0: no limit"),
    row("max_replica_lag_bytes", &Config::max_replica_lag_bytes, "0", kReload,
        "Bytes of WAL a standby may be behind and still be used; 0: no limit"),
    row("on_demotion", &Config::on_demotion, "drain", kReload,
        "Transactions on a host that lost its role: drain lets them end, kill ends them"),
    row("slow_start", Seconds{&Config::slow_start}, "30", kReload,
        "Seconds in which a host that came up gets its full share of new servers; 0: at once"),
};

}  // namespace

std::span<const Setting> settings() {
  return kSettings;
}

const Setting* find_setting(std::string_view name) {
  for (const Setting& setting : kSettings) {
    if (name == setting.name) return &setting;
  }
  return nullptr;
}

std::string nearest_setting(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Setting& setting : kSettings) names.emplace_back(setting.name);
  return nearest(name, names);
}

bool set_value(Config& config, const std::string& key, const std::string& value) {
  const Setting* setting = find_setting(key);
  if (!setting) return false;
  if (!setting->reloadable) return true;
  std::string allowed;
  return parse_value(config, *setting, value, allowed);
}

}  // namespace remuda::config
