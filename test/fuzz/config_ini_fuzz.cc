// Configuration files, down to the values of settings and connect strings. Input: the text of a
// file, which may include itself as "main".
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "config/connect_string.h"
#include "config/ini_file.h"
#include "config/settings.h"
#include "config/user_list.h"
#include "remuda/base/error.h"

namespace remuda::config {
namespace {

constexpr int kMaxOpened = 20;  // more only takes time

// A value that was accepted prints to a text that means the same.
void check_setting(const IniLine& line) {
  const Setting* setting = find_setting(line.key);
  if (setting == nullptr) {
    nearest_setting(line.key);
    return;
  }
  Config config;
  std::string allowed;
  const auto before = show_value(config, *setting);
  if (!parse_value(config, *setting, line.value, allowed)) {
    REMUDA_CHECK(!allowed.empty() && show_value(config, *setting) == before);
    return;
  }
  const auto shown = show_value(config, *setting);
  // Long times lose digits when they are printed, as in PgBouncer.
  if (std::holds_alternative<Seconds>(setting->member) || !shown) return;
  Config again;
  REMUDA_CHECK(parse_value(again, *setting, *shown, allowed));
  if (std::holds_alternative<std::string Config::*>(setting->member)) {
    REMUDA_CHECK(*shown == line.value);
  }
}

void check_entry(const IniLine& line) {
  Database database;
  User user;
  Peer peer;
  database.name = user.name = line.key;
  peer.id = 1;
  std::vector<std::string> problems;
  REMUDA_CHECK(read_database(database, line.value, problems) == problems.empty());
  read_user(user, line.value, problems);
  read_peer(peer, line.value, problems);
  for (const std::string& problem : problems) REMUDA_CHECK(!problem.empty());
}

void check_line(const IniLine& line, const std::string& text) {
  REMUDA_CHECK(line.line > 0 && !line.section.empty());
  if (line.is_header) return;
  REMUDA_CHECK(text.find(line.key) != std::string::npos);
  REMUDA_CHECK(text.find(line.value) != std::string::npos);
  if (line.section == "remuda" || line.section == "pgbouncer") {
    check_setting(line);
  } else {
    check_entry(line);
  }
}

void check_users(const std::string& text) {
  std::string problem;
  const UserList users = UserList::parse(text, problem);
  for (const auto& [name, secret] : users.entries()) {
    REMUDA_CHECK(users.find(name) == &secret && name.size() + secret.size() < text.size());
  }
}

void check(const std::string& text) {
  const auto read = [&text, opened = 0](const std::string& path) mutable {
    if (path != "main" || ++opened > kMaxOpened) throw SystemError(ENOENT, path);
    return text;
  };
  const IniFile file = read_ini("main", read);
  REMUDA_CHECK(file.faults.size() <= kMaxFaults + 1);
  for (const Fault& fault : file.faults) REMUDA_CHECK(!fault.text().empty());
  for (const IniLine& line : file.lines) check_line(line, text);
  check_users(text);
}

}  // namespace
}  // namespace remuda::config

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  remuda::config::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
