#include "config/load.h"

#include <fmt/core.h>

#include <algorithm>

#include "config/connect_string.h"
#include "config/ini_file.h"
#include "config/settings.h"

namespace remuda::config {
namespace {

constexpr size_t kLongestDatabase = 63;

bool is_main_section(const std::string& name) { return name == "pgbouncer" || name == "remuda"; }

// Takes the lines one by one, gathering every fault.
class Loader {
 public:
  // `base` has the values of settings that outlive a file: a running configuration's, or defaults.
  Loader(const std::string& path, Config base) : config_(std::move(base)), path_(path) {}

  Loaded load(const Config* running, std::shared_ptr<const UserList> users) {
    config_.path = path_;
    IniFile file = read_ini(path_);
    result_.faults = std::move(file.faults);
    for (const IniLine& line : file.lines) take(line);
    check(file);
    if (running) keep_what_cannot_change(*running);
    if (!result_.faults.empty()) {
      std::stable_sort(result_.faults.begin(), result_.faults.end(),
                       [](const Fault& a, const Fault& b) {
                         return a.file == b.file && a.line < b.line;
                       });
      return std::move(result_);
    }
    const bool needs_file =
        config_.auth_type != AuthType::any && config_.auth_type != AuthType::pam;
    const std::string auth_file = needs_file ? config_.auth_file.value_or("") : "";
    result_.users = load_user_list(auth_file, std::move(users), result_.messages);
    result_.config = std::make_shared<const Config>(std::move(config_));
    return std::move(result_);
  }

 private:
  void take(const IniLine& line) {
    if (line.is_header) {
      if (is_main_section(line.section)) {
        has_main_section_ = true;
        for (const Setting& setting : settings()) {
          if (setting.default_text) set_default(config_, setting);
        }
        lines_.clear();
      }
    } else if (is_main_section(line.section)) {
      take_setting(line);
    } else if (line.section == "databases") {
      take_database(line);
    } else if (line.section == "users") {
      take_user(line);
    } else {
      take_peer(line);
    }
  }

  void take_setting(const IniLine& line) {
    const Setting* setting = find_setting(line.key);
    if (setting == nullptr) {
      return fault(line, "unknown setting",
                   fmt::format("did you mean {}?", nearest_setting(line.key)));
    }
    std::string allowed;
    if (!parse_value(config_, *setting, line.value, allowed)) {
      return fault(line, fmt::format("bad value '{}'", line.value), allowed);
    }
    lines_[line.key] = line;
  }

  void take_database(const IniLine& line) {
    if (is_main_section(line.key)) {
      return fault(line, "database name is reserved for the console");
    }
    if (line.key.size() > kLongestDatabase) return fault(line, "database name too long", "63 bytes");
    Database database;
    database.name = database.dbname = line.key;
    std::vector<std::string> problems;
    if (!read_database(database, line.value, problems)) return faults(line, problems);
    if (line.key == "*") {
      config_.fallback = std::move(database);
    } else {
      config_.databases[line.key] = std::move(database);
    }
  }

  void take_user(const IniLine& line) {
    User user;
    user.name = line.key;
    std::vector<std::string> problems;
    if (!read_user(user, line.value, problems)) return faults(line, problems);
    config_.users[line.key] = std::move(user);
  }

  void take_peer(const IniLine& line) {
    Peer peer;
    const bool digits = !line.key.empty() && line.key.size() <= 5 &&
                        std::all_of(line.key.begin(), line.key.end(), ::isdigit);
    peer.id = digits ? std::stoi(line.key) : 0;
    if (peer.id < 1 || peer.id > 65535) return fault(line, "bad peer id", "1 to 65535");
    std::vector<std::string> problems;
    if (!read_peer(peer, line.value, problems)) return faults(line, problems);
    config_.peers[peer.id] = std::move(peer);
  }

  // ---- What only the whole can tell ----

  void check(const IniFile& file) {
    // A file that could not even be opened has said so already.
    if (!has_main_section_ && !(file.lines.empty() && !file.faults.empty())) {
      result_.faults.push_back({path_, 0, "", "section [pgbouncer] or [remuda] is missing", ""});
    }
    if (config_.listen_port < 0 || config_.listen_port > 65535) {
      setting_fault("listen_port", "no such port", "0 to 65535");
    }
    if (config_.workers < 0 || config_.workers > 64) {
      setting_fault("workers", "bad number of threads", "0 (one per core) to 64");
    }
    if (config_.auth_dbname && is_main_section(*config_.auth_dbname)) {
      setting_fault("auth_dbname", "the console cannot run auth_query", "a database of a server");
    }
    check_tls();
  }

  void check_tls() {
    if (config_.client_tls_sslmode == TlsMode::disable) return;
    for (const auto& [name, file] : {std::pair<const char*, const std::string&>{
                                         "client_tls_key_file", config_.client_tls_key_file},
                                     {"client_tls_cert_file", config_.client_tls_cert_file}}) {
      if (file.empty()) {
        setting_fault("client_tls_sslmode", fmt::format("needs {} to be set", name), "");
      }
    }
    if (config_.client_tls_sslmode == TlsMode::verify_full && config_.client_tls_ca_file.empty()) {
      setting_fault("client_tls_sslmode", "verify-full needs client_tls_ca_file to be set", "");
    }
  }

  void keep_what_cannot_change(const Config& running) {
    for (const Setting& setting : settings()) {
      if (setting.reloadable) continue;
      const auto was = show_value(running, setting);
      const auto is = show_value(config_, setting);
      if (was == is) continue;
      if (lines_.contains(setting.name)) {
        result_.messages.push_back(
            fmt::format("setting {} cannot change without a restart: keeping {}, the file says {}",
                        setting.name, was.value_or("its default"), is.value_or("nothing")));
      }
      std::string allowed;
      if (was) {
        parse_value(config_, setting, *was, allowed);
      } else {
        set_default(config_, setting);
      }
    }
    keep_forced_users(running);
  }

  // A pool's user is part of what it is.
  void keep_forced_users(const Config& running) {
    for (auto& [name, database] : config_.databases) {
      const auto before = running.databases.find(name);
      if (before == running.databases.end() || !before->second.user || database.user) continue;
      database.user = before->second.user;
      database.password = before->second.password;
      result_.messages.push_back(
          fmt::format("database {}: the forced user cannot be removed without a restart: keeping {}",
                      name, *database.user));
    }
  }

  void fault(const IniLine& line, std::string what, std::string allowed = "") {
    result_.faults.push_back(
        {line.file, line.line, line.key, std::move(what), std::move(allowed)});
  }

  void faults(const IniLine& line, const std::vector<std::string>& problems) {
    for (const std::string& problem : problems) fault(line, problem);
  }

  void setting_fault(const char* name, std::string what, std::string allowed) {
    const auto at = lines_.find(name);
    IniLine line;
    line.file = path_;
    if (at != lines_.end()) line = at->second;
    line.key = name;
    fault(line, std::move(what), std::move(allowed));
  }

  Config config_;
  const std::string path_;
  Loaded result_;
  bool has_main_section_ = false;
  std::map<std::string, IniLine> lines_;  // where each setting got its value
};

}  // namespace

std::string Fault::text() const {
  std::string text = file;
  if (line > 0) text += fmt::format(":{}", line);
  text += ": ";
  if (!key.empty()) text += key + ": ";
  text += what;
  if (!allowed.empty()) text += fmt::format(" (allowed: {})", allowed);
  return text;
}

Loaded load(const std::string& path) {
  Config base;
  base.conffile = path;
  return Loader(path, std::move(base)).load(nullptr, nullptr);
}

Loaded reload(const Config& running, std::shared_ptr<const UserList> users) {
  // What has no default keeps its last value.
  Config base = running;
  base.databases.clear();
  base.fallback.reset();
  base.users.clear();
  base.peers.clear();
  const std::string path = running.conffile.value_or(running.path);
  return Loader(path, std::move(base)).load(&running, std::move(users));
}

}  // namespace remuda::config
