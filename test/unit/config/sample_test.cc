// The sample configuration in etc/ tells every setting with its help and its default.
#include <fstream>
#include <sstream>

#include "config/connect_string.h"
#include "config/settings.h"
#include "config/user_list.h"
#include "support/catch.h"

namespace remuda::config::sample_test {
namespace {

std::string content(const std::string& name) {
  std::ifstream file(std::string(REMUDA_SOURCE_DIR) + "/etc/" + name);
  REQUIRE(file);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> lines(const std::string& name) {
  std::istringstream text(content(name));
  std::vector<std::string> all;
  for (std::string line; std::getline(text, line);) all.push_back(line);
  return all;
}

// What the sample says about a setting: two lines.
std::string annotation(const Setting& setting) {
  std::string help = setting.help;
  std::string value = default_value(setting).value_or("");
  return "\n; " + help + ".\n;" + setting.name + " =" + (value.empty() ? "" : " " + value) + "\n";
}

// The lines of a section that are not comments, as key and value.
Pairs active(const std::string& section) {
  Pairs found;
  bool inside = false;
  for (const std::string& line : lines("remuda.ini")) {
    if (line.empty() || line[0] == ';') continue;
    if (line[0] == '[') {
      inside = line == "[" + section + "]";
    } else if (inside) {
      size_t equals = line.find(" = ");
      REQUIRE(equals != line.npos);
      found.emplace_back(line.substr(0, equals), line.substr(equals + 3));
    }
  }
  return found;
}

}  // namespace

TEST_CASE("the sample has every setting with its help and default") {
  std::string text = content("remuda.ini");
  for (const Setting& setting : settings()) {
    INFO(annotation(setting));
    CHECK(text.find(annotation(setting)) != text.npos);
  }
}

TEST_CASE("the sample has no setting that does not exist") {
  bool inside = false;
  for (const std::string& line : lines("remuda.ini")) {
    if (line == "[remuda]") inside = true;
    if (!inside || line.size() < 2 || line[0] != ';' || line[1] == ' ') continue;
    INFO(line);
    CHECK(find_setting(line.substr(1, line.find(' ') - 1)));
  }
  CHECK(inside);
}

TEST_CASE("the sample's own lines") {
  CHECK(active("remuda") == Pairs{{"listen_addr", "127.0.0.1"},
                                  {"listen_port", "6432"},
                                  {"unix_socket_dir", "/tmp"},
                                  {"auth_type", "md5"},
                                  {"auth_file", "userlist.txt"},
                                  {"admin_users", "postgres"},
                                  {"pool_mode", "transaction"}});
  Config config;
  std::string allowed;
  for (const auto& [key, value] : active("remuda")) {
    REQUIRE(find_setting(key));
    CHECK(parse_value(config, *find_setting(key), value, allowed));
  }
  CHECK(active("databases") == Pairs{{"*", "host=127.0.0.1 port=5432"}});
  CHECK(active("users").empty());
  CHECK(active("peers").empty());
}

TEST_CASE("the sample's commented entries can be used") {
  std::vector<std::string> problems;
  std::string section;
  int count = 0;
  for (const std::string& line : lines("remuda.ini")) {
    if (line.starts_with("[")) section = line;
    size_t equals = line.find(" = ");
    if (line.size() < 2 || line[0] != ';' || line[1] == ' ' || equals == line.npos) continue;
    std::string name = line.substr(1, equals - 1);
    std::string value = line.substr(equals + 3);
    Database database;
    User user;
    Peer peer;
    database.name = user.name = name;
    peer.id = 1;
    if (section == "[databases]") read_database(database, value, problems);
    if (section == "[users]") read_user(user, value, problems);
    if (section == "[peers]") read_peer(peer, value, problems);
    count += section != "[remuda]";
  }
  CHECK(problems == std::vector<std::string>{});
  CHECK(count == 7);
}

TEST_CASE("the sample's users can be read") {
  std::string problem;
  UserList list = UserList::parse(content("userlist.txt"), problem);
  CHECK(problem.empty());
  CHECK(list.find("postgres"));
}

}  // namespace remuda::config::sample_test
