#include "config/load.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <tuple>
#include <type_traits>
#include <variant>

#include "config/connect_string.h"
#include "config/effective.h"
#include "config/ini_file.h"
#include "config/secret_file.h"
#include "config/settings.h"

namespace remuda::config {
namespace {

constexpr size_t kShownKey = 64;
constexpr size_t kShownText = 400;

std::string shortened(std::string text, size_t limit) {
  if (text.size() > limit) text.replace(limit, text.npos, "...");
  return text;
}

void copy_value(Config& to, const Config& from, const Setting& setting) {
  const auto copy = [&](auto member) {
    if constexpr (std::is_same_v<decltype(member), Seconds>) {
      to.*member.member = from.*member.member;
    } else {
      to.*member = from.*member;
    }
  };
  std::visit(copy, setting.member);
}

bool is_main_section(const std::string& name) {
  return name == "pgbouncer" || name == "remuda";
}

// Takes the lines one by one, gathering every fault.
class Loader {
 public:
  // `base` has the values of settings that outlive a file: a running configuration's, or defaults.
  Loader(const std::string& path, Config base) : config_(std::move(base)), path_(path) {}

  Loaded load(const Config* running, std::shared_ptr<const UserList> users) {
    config_.path = path_;
    IniFile file = read_ini(path_);
    result_.faults = std::move(file.faults);
    const bool is_readable = !file.lines.empty() || result_.faults.empty();
    for (const IniLine& line : file.lines) take(line);
    if (!has_main_section_ && is_readable) {
      result_.faults.push_back({path_, 0, "", "section [remuda] or [pgbouncer] is missing", ""});
    }
    check_tls();
    check_hosts();
    if (!result_.faults.empty()) return with_faults(file.lines);
    warn_of_dead_settings();
    if (running != nullptr) keep_what_cannot_change(*running);
    read_users(std::move(users));
    result_.config = std::make_shared<const Config>(std::move(config_));
    return std::move(result_);
  }

 private:
  // ---- Line by line ----

  void take(const IniLine& line) {
    if (is_main_section(line.section)) {
      line.is_header ? start_settings() : take_setting(line);
    } else if (line.is_header) {
      return;
    } else if (line.section == "databases") {
      take_database(line);
    } else if (line.section == "users") {
      take_user(line);
    } else {
      take_peer(line);
    }
  }

  void start_settings() {
    has_main_section_ = true;
    for (const Setting& setting : settings()) {
      if (setting.default_text != nullptr) set_default(config_, setting);
    }
    lines_.clear();
  }

  void take_setting(const IniLine& line) {
    const Setting* setting = find_setting(line.key);
    if (setting == nullptr) {
      const std::string meant = nearest_setting(line.key);
      return fault(line, meant.empty() ? "unknown setting"
                                       : fmt::format("unknown setting, did you mean {}?", meant));
    }
    std::string allowed;
    if (parse_value(config_, *setting, line.value, allowed)) {
      lines_[line.key] = line;
    } else if (line.key == "auth_ldap_options" || line.key == "patroni_urls") {
      fault(line, "bad value", allowed);  // there may be a password in it
    } else {
      fault(line, fmt::format("bad value \"{}\"", shortened(line.value, kShownKey)), allowed);
    }
  }

  void take_database(const IniLine& line) {
    Database database;
    database.name = database.dbname = line.key;
    std::vector<std::string> problems;
    if (!read_database(database, line.value, problems)) return faults(line, problems);
    if (!read_password_file(line, database)) return;
    database_lines_[line.key] = line;
    if (line.key == "*") {
      config_.fallback = std::move(database);
    } else {
      config_.databases[line.key] = std::move(database);
    }
  }

  bool read_password_file(const IniLine& line, Database& database) {
    if (!database.password_file) return true;
    std::string password;
    const std::string file = find_beside(config_, *database.password_file);
    const std::string problem = read_secret_file(file, password, result_.messages);
    if (!problem.empty()) {
      fault(line, "password_file: " + problem);
      return false;
    }
    database.password = std::move(password);
    return true;
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
    const bool is_number =
        line.key.size() <= 5 &&
        std::all_of(line.key.begin(), line.key.end(), [](char c) { return c >= '0' && c <= '9'; });
    peer.id = is_number ? std::stoi(line.key) : 0;
    std::vector<std::string> problems;
    if (!read_peer(peer, line.value, problems)) return faults(line, problems);
    config_.peers[peer.id] = std::move(peer);
  }

  // ---- What only the whole can tell ----

  void check_tls() {
    if (config_.auth_type == AuthType::cert && config_.client_tls_sslmode != TlsMode::verify_full) {
      setting_fault("auth_type", "cert needs client_tls_sslmode = verify-full");
    }
    if (config_.client_tls_sslmode == TlsMode::disable) return;
    const auto need = [this](const char* name, const std::string& value) {
      if (value.empty()) setting_fault("client_tls_sslmode", fmt::format("needs {} as well", name));
    };
    need("client_tls_key_file", config_.client_tls_key_file);
    need("client_tls_cert_file", config_.client_tls_cert_file);
    if (config_.client_tls_sslmode == TlsMode::verify_full) {
      need("client_tls_ca_file", config_.client_tls_ca_file);
    }
  }

  void check_hosts() {
    for (const auto& [name, line] : database_lines_) {
      const Database& database = name == "*" ? *config_.fallback : config_.databases.at(name);
      if (!has_health_checks(config_, database)) {
        if (database.target_session_attrs == TargetSession::any) continue;
        fault(line, "target_session_attrs: nobody can tell without health_check");
      } else if (!health_check_user(config_, database)) {
        fault(line, "health checks need a user", "health_check_user, auth_user, or user here");
      }
    }
  }

  void warn_of_dead_settings() {
    const Config defaults;
    for (const auto& [name, line] : lines_) {
      const Setting* setting = find_setting(name);
      if (setting->acts || show_value(config_, *setting) == show_value(defaults, *setting))
        continue;
      result_.messages.push_back(
          fmt::format("{}:{}: {} has no effect: {}", line.file, line.line, name, setting->help));
    }
  }

  // ---- Beside a running configuration ----

  void keep_what_cannot_change(const Config& running) {
    for (const Setting& setting : settings()) {
      if (setting.reloadable) continue;
      const auto was = show_value(running, setting);
      const auto is = show_value(config_, setting);
      if (was == is) continue;
      result_.messages.push_back(
          fmt::format("{} cannot change without a restart: it stays \"{}\", the file says \"{}\"",
                      setting.name, was.value_or(""), is.value_or("")));
      copy_value(config_, running, setting);
    }
    keep_forced_users(running);
  }

  // A pool's user is part of what it is.
  void keep_forced_users(const Config& running) {
    for (auto& [name, database] : config_.databases) {
      const auto before = running.databases.find(name);
      if (before == running.databases.end() || !before->second.user || database.user) continue;
      database.user = before->second.user;
      if (!database.password) database.password = before->second.password;
      result_.messages.push_back(
          fmt::format("database {}: a forced user cannot be removed without a restart: it stays {}",
                      name, *database.user));
    }
  }

  // Nobody's secret is asked for with any and pam, so the list then stays as it is.
  void read_users(std::shared_ptr<const UserList> users) {
    const bool is_needed = config_.auth_type != AuthType::any && config_.auth_type != AuthType::pam;
    if (is_needed || users == nullptr) {
      const std::string file =
          is_needed ? find_beside(config_, config_.auth_file.value_or("")) : "";
      const std::shared_ptr<const UserList> before = users;
      users = load_user_list(file, std::move(users), result_.messages);
      if (users != before) warn_of_open_secrets(file, *users);
    }
    result_.users = std::move(users);
  }

  // SCRAM secrets let nobody in who has read them, and a group of administrators may read the file.
  void warn_of_open_secrets(const std::string& file, const UserList& users) {
    if (!file.empty() && users.has_open_secrets() && is_readable_by_all(file)) {
      result_.messages.push_back(file + ": others can read these secrets; chmod o-r");
    }
  }

  // ---- Faults ----

  void fault(const IniLine& line, std::string what, std::string allowed = "") {
    result_.faults.push_back({line.file, line.line, shortened(line.key, kShownKey),
                              shortened(std::move(what), kShownText), std::move(allowed)});
  }

  void faults(const IniLine& line, const std::vector<std::string>& problems) {
    for (const std::string& problem : problems) fault(line, problem);
  }

  void setting_fault(const std::string& name, std::string what) {
    IniLine line;
    line.file = path_;
    if (const auto at = lines_.find(name); at != lines_.end()) line = at->second;
    line.key = name;
    fault(line, std::move(what));
  }

  // File by file in the order of reading, each from its top; faults of a whole file come last.
  Loaded with_faults(const std::vector<IniLine>& lines) {
    std::map<std::string, size_t> rank;
    for (const IniLine& line : lines) rank.emplace(line.file, rank.size());
    const auto place = [&rank](const Fault& fault) {
      const auto at = rank.find(fault.file);
      return std::tuple(at == rank.end() ? rank.size() : at->second, fault.line == 0, fault.line);
    };
    auto& all = result_.faults;
    std::stable_sort(all.begin(), all.end(),
                     [&place](const Fault& a, const Fault& b) { return place(a) < place(b); });
    if (all.size() > kMaxFaults) {
      const size_t more = all.size() - kMaxFaults;
      all.resize(kMaxFaults);
      all.push_back({path_, 0, "", fmt::format("{} more faults", more), ""});
    }
    return std::move(result_);
  }

  Config config_;
  const std::string path_;
  Loaded result_;
  bool has_main_section_ = false;
  std::map<std::string, IniLine> lines_;  // where each setting got its value
  std::map<std::string, IniLine> database_lines_;
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

std::string find_beside(const Config& config, const std::string& name) {
  namespace fs = std::filesystem;
  if (name.empty() || fs::path(name).is_absolute()) return name;
  std::error_code ignored;
  const fs::path beside = fs::path(config.path).parent_path() / name;
  return !fs::exists(name, ignored) && fs::exists(beside, ignored) ? beside.string() : name;
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
