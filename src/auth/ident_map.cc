#include "auth/ident_map.h"

#include <fmt/core.h>

#include "auth/hba_lexer.h"

namespace remuda::auth {
namespace {

constexpr std::string_view kReference = "\\1";

struct Field {
  std::string text;
  bool is_quoted = false;
};

Field take_field(HbaLexer& lexer, std::string_view what) {
  if (lexer.token() == HbaToken::open_quote) throw HbaFault("a double quote is not closed");
  if (lexer.token() != HbaToken::word) {
    throw HbaFault(fmt::format("the {} is missing", what), "MAP SYSTEM-NAME DATABASE-USER");
  }
  Field field{lexer.text(), lexer.is_quoted()};
  lexer.next();
  return field;
}

}  // namespace

bool IdentMaps::allows(const std::string& map, const std::string& system_name,
                       const std::string& database_user) const {
  if (map.empty()) return system_name == database_user;
  const auto found = maps_.find(map);
  if (found == maps_.end()) return false;
  for (const Line& line : found->second) {
    if (allows(line, system_name, database_user)) return true;
  }
  return false;
}

bool IdentMaps::allows(const Line& line, const std::string& system_name, const std::string& user) {
  std::string part;
  if (line.system.pattern == nullptr) {
    if (line.system.text != system_name) return false;
  } else if (!line.system.pattern->matches(system_name, part)) {
    return false;
  }
  if (line.user.is_all) return true;
  if (line.user.has_reference) {
    std::string name = line.user.text;
    return name.replace(name.find(kReference), kReference.size(), part) == user;
  }
  return line.user.pattern ? line.user.pattern->matches(user) : line.user.text == user;
}

IdentMaps IdentMaps::read(const std::string& path, const HbaFiles& files,
                          std::vector<std::string>& messages) {
  IdentMaps maps;
  HbaSource source(path, files, messages);
  std::string line;
  while (source.next(line)) {
    if (++maps.lines_ > kMaxHbaRules) {
      source.say(fmt::format("too many lines, the rest is left out (allowed: {})", kMaxHbaRules));
      source.stop();
      break;
    }
    try {
      maps.add(line);
    } catch (const HbaFault& fault) {
      source.say(fmt::format("{}; the line is skipped", fault.what()));
    }
  }
  return maps;
}

void IdentMaps::add(const std::string& text) {
  HbaLexer lexer(text);
  const Field map = take_field(lexer, "name of the map");
  const Field system = take_field(lexer, "system name");
  const Field user = take_field(lexer, "database user");
  if (lexer.token() != HbaToken::end) {
    throw HbaFault("there are more than three words", "MAP SYSTEM-NAME DATABASE-USER");
  }
  if (map.text.empty()) throw HbaFault("the name of the map is empty");
  Line line;
  line.system = system_name(system.text);
  line.user = user_name(user.text, user.is_quoted, line.system);
  maps_[map.text].push_back(std::move(line));
}

IdentMaps::Name IdentMaps::system_name(std::string_view text) {
  Name name;
  name.text = text;
  if (text.starts_with('/')) name.pattern = std::make_shared<const HbaPattern>(text.substr(1));
  return name;
}

IdentMaps::Name IdentMaps::user_name(std::string_view text, bool is_quoted, const Name& system) {
  Name name;
  name.text = text;
  name.is_all = text == "all" && !is_quoted;
  name.has_reference = system.pattern && text.find(kReference) != text.npos;
  if (text.starts_with('+') && !is_quoted) {
    throw HbaFault(fmt::format("\"{}\" names a group", hba_shown(text)),
                   "a name, all, a regular expression");
  }
  if (name.has_reference && !system.pattern->has_groups()) {
    throw HbaFault("\\1 refers to parentheses that the system name does not have");
  }
  // What \1 stands for came from outside, so the result is only ever a name.
  if (!name.has_reference && text.starts_with('/')) {
    name.pattern = std::make_shared<const HbaPattern>(text.substr(1));
  }
  return name;
}

std::shared_ptr<const IdentMaps> load_ident(const std::string& path,
                                            std::vector<std::string>& messages) {
  if (path.empty()) return std::make_shared<const IdentMaps>();
  return std::make_shared<const IdentMaps>(IdentMaps::read(path, hba_files_on_disk(), messages));
}

}  // namespace remuda::auth
