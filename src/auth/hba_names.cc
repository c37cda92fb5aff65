#include "auth/hba_names.h"

#include <fmt/core.h>

#include <algorithm>

namespace remuda::auth {

bool HbaNames::has_name(const std::string& name) const {
  return names_.contains(name) ||
         std::any_of(patterns_.begin(), patterns_.end(),
                     [&](const auto& pattern) { return pattern->matches(name); });
}

HbaMatch HbaNames::match_database(const std::string& database, const std::string& user,
                                  bool is_physical_replication, const HbaGroups& groups) const {
  if (is_physical_replication) return has_replication_ ? HbaMatch::yes : HbaMatch::no;
  if (has_all_ || has_name(database)) return HbaMatch::yes;
  if ((has_same_user_ || has_same_role_) && database == user) return HbaMatch::yes;
  if (!has_same_role_) return HbaMatch::no;
  if (!groups) return HbaMatch::groups;
  return groups->contains(database) ? HbaMatch::yes : HbaMatch::no;
}

HbaMatch HbaNames::match_user(const std::string& user, const std::string& database,
                              const HbaGroups& groups) const {
  if (has_all_ || has_name(user)) return HbaMatch::yes;
  if (has_same_user_ && database == user) return HbaMatch::yes;
  if (groups_.empty()) return HbaMatch::no;
  const bool is_member = std::any_of(groups_.begin(), groups_.end(), [&](const std::string& group) {
    return group == user || (groups && groups->contains(group));  // a role is a member of itself
  });
  if (is_member) return HbaMatch::yes;
  return groups ? HbaMatch::no : HbaMatch::groups;
}

HbaNames HbaNamesReader::databases(HbaLexer& lexer) {
  return list(lexer, false, "database");
}

HbaNames HbaNamesReader::users(HbaLexer& lexer) {
  return list(lexer, true, "user");
}

HbaNames HbaNamesReader::list(HbaLexer& lexer, bool is_users, std::string_view what) {
  HbaNames names;
  while (true) {
    if (lexer.token() == HbaToken::open_quote) throw HbaFault("a double quote is not closed");
    if (lexer.token() != HbaToken::word) throw HbaFault(fmt::format("a {} is missing", what));
    add(names, lexer, is_users, source_.file(), 0);
    lexer.next();
    if (lexer.token() != HbaToken::comma) return names;
    lexer.next();
  }
}

void HbaNamesReader::add(HbaNames& names, const HbaLexer& lexer, bool is_users,
                         const std::string& file, size_t depth) {
  const std::string& text = lexer.text();
  const bool is_plain = lexer.is_quoted();
  if (++names_ > kMaxNames) throw HbaFault("too many names", fmt::format("{}", kMaxNames));
  ++names.size_;
  if (!is_plain && add_keyword(names, text, is_users)) return;
  if (!is_plain && text.starts_with('@') && text.size() > 1) {
    add_file(names, HbaSource::path_beside(file, text.substr(1)), is_users, depth + 1);
  } else if (!is_plain && text.starts_with('+')) {
    if (!is_users) {
      throw HbaFault(fmt::format("\"{}\" names a group", hba_shown(text)), "samerole");
    }
    if (text.size() == 1) throw HbaFault("a group is missing", "+NAME");
    names.groups_.push_back(text.substr(1));
  } else if (text.starts_with('/')) {
    if (++patterns_ > kMaxPatterns) {
      throw HbaFault("too many regular expressions", fmt::format("{}", kMaxPatterns));
    }
    names.patterns_.push_back(std::make_shared<const HbaPattern>(std::string_view(text).substr(1)));
  } else {
    names.names_.insert(text);
  }
}

// PgBouncer takes the keywords for databases in both fields.
bool HbaNamesReader::add_keyword(HbaNames& names, const std::string& text, bool is_users) {
  if (text == "all") {
    names.has_all_ = true;
  } else if (text == "sameuser") {
    names.has_same_user_ = true;
  } else if (text == "replication") {
    names.has_replication_ = true;
  } else if (text == "samerole" || text == "samegroup") {
    if (is_users) throw HbaFault(fmt::format("{} is a word for databases", text));
    names.has_same_role_ = true;
  } else {
    return false;
  }
  return true;
}

void HbaNamesReader::add_file(HbaNames& names, const std::string& path, bool is_users,
                              size_t depth) {
  if (depth > kMaxHbaDepth) {
    throw HbaFault("too many files inside each other", fmt::format("{}", kMaxHbaDepth));
  }
  add_lines(names, source_.read(path), is_users, path, depth);
}

// Names stand between blanks, commas and line ends.
void HbaNamesReader::add_lines(HbaNames& names, const std::string& text, bool is_users,
                               const std::string& path, size_t depth) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    if (line.find('\0') != line.npos) throw HbaFault(fmt::format("zero byte in \"{}\"", path));
    for (HbaLexer lexer(line); lexer.token() != HbaToken::end; lexer.next()) {
      if (lexer.token() == HbaToken::open_quote) {
        throw HbaFault(fmt::format("a double quote is not closed in \"{}\"", path));
      }
      if (lexer.token() == HbaToken::word) add(names, lexer, is_users, path, depth);
    }
  }
}

}  // namespace remuda::auth
