#include "proxy/startup_parameters.h"

#include <algorithm>

#include "remuda/base/error.h"
#include "remuda/base/text.h"
#include "remuda/session/parameters.h"

namespace remuda::proxy {
namespace {

// What drivers and frameworks ask for. Servers do not report these, nor need they where all
// settings follow.
bool is_asked_by_drivers(const config::Config& config, std::string_view name) {
  if (config.track_session_settings != config::TrackSettings::on) return false;
  if (contains(config.ignore_startup_parameters, name)) return false;
  for (std::string_view known :
       {"extra_float_digits", "search_path", "statement_timeout", "lock_timeout",
        "idle_in_transaction_session_timeout", "default_transaction_isolation", "role"}) {
    if (session::same_name(name, known)) return true;
  }
  return false;
}

void read_options(StartupParameters& result, const std::string& text,
                  const config::Config& config) {
  const wire::StartupOptions options = wire::split_options(text);
  if (!options.error.empty()) throw PgError(options.error);
  for (const auto& [name, value] : options.settings) {
    if (is_tracked(config, name)) {
      result.tracked.emplace_back(name, value);
    } else if (!contains(config.ignore_startup_parameters, name) &&
               !contains(config.ignore_startup_parameters, "options")) {
      throw PgError("unsupported startup parameter in options: " + name);
    }
  }
}

void read_parameter(StartupParameters& result, const std::string& name, const std::string& value,
                    const config::Config& config) {
  if (name == "user") {
    result.user = value;
  } else if (name == "database") {
    result.database = value;
  } else if (name == "options") {
    if (result.replication == Replication::none) {
      read_options(result, value, config);
    } else {
      result.options = value;
    }
  } else if (name.starts_with("_pq_.")) {
    result.extensions.push_back(name);
  } else if (is_tracked(config, name)) {
    result.tracked.emplace_back(name, value);
  } else if (name != "replication" && !contains(config.ignore_startup_parameters, name)) {
    throw PgError("unsupported startup parameter: " + name);
  }
}

}  // namespace

bool is_tracked(const config::Config& config, std::string_view name) {
  // What PostgreSQL 14 to 18 report and a client may set; search_path is reported since 18, and a
  // server that does not report it must be told by track_extra_parameters.
  for (std::string_view known :
       {"client_encoding", "DateStyle", "TimeZone", "standard_conforming_strings",
        "application_name", "IntervalStyle", "default_transaction_read_only", "scram_iterations"}) {
    if (session::same_name(name, known)) return true;
  }
  if (is_asked_by_drivers(config, name)) return true;
  return std::any_of(config.track_extra_parameters.begin(), config.track_extra_parameters.end(),
                     [&](const std::string& extra) { return session::same_name(name, extra); });
}

StartupParameters read_parameters(const wire::Startup& startup, const config::Config& config) {
  StartupParameters result;
  // First, because `options` in front of it depend on it.
  if (const std::string* asked = startup.find("replication")) {
    result.replication = parse_replication(*asked);
  }
  for (const auto& [name, value] : startup.parameters) {
    read_parameter(result, name, value, config);
  }
  if (result.user.empty()) throw PgError("no username supplied");
  if (result.user.size() > config::kMaxUserName) throw PgError("username too long");
  if (result.database.empty()) result.database = result.user;
  return result;
}

void add_host(std::vector<wire::Parameter>& tracked, const std::string& peer) {
  std::string name = "app";
  std::erase_if(tracked, [&](auto& entry) {
    if (!session::same_name(entry.first, "application_name")) return false;
    name = std::move(entry.second);
    return true;
  });
  tracked.emplace_back("application_name", name + " - " + peer);
}

}  // namespace remuda::proxy
