// The database or the user field of an HBA rule: a list of names, keywords, groups and regular
// expressions. Immutable once read; any thread. PostgreSQL manual, The pg_hba.conf File.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "auth/hba_lexer.h"
#include "auth/hba_pattern.h"
#include "auth/hba_source.h"

namespace remuda::auth {

// The roles a user is a member of, directly or not; nothing: not looked up.
using HbaGroups = std::optional<std::set<std::string>>;

// `groups`: it depends on roles that have not been looked up.
enum class HbaMatch { no, yes, groups, host_name, local_networks };

class HbaNames {
 public:
  HbaMatch match_database(const std::string& database, const std::string& user,
                          bool is_physical_replication, const HbaGroups& groups) const;
  HbaMatch match_user(const std::string& user, const std::string& database,
                      const HbaGroups& groups) const;
  // Names the keyword `replication`, which as a user means nobody.
  bool has_replication() const noexcept { return has_replication_; }
  size_t size() const noexcept { return size_; }

 private:
  friend class HbaNamesReader;

  bool has_name(const std::string& name) const;

  bool has_all_ = false;
  bool has_same_user_ = false;
  bool has_same_role_ = false;
  bool has_replication_ = false;
  std::set<std::string> names_;
  std::vector<std::string> groups_;
  std::vector<std::shared_ptr<const HbaPattern>> patterns_;
  size_t size_ = 0;
};

// Reads name lists; one per HBA file, whose bounds it keeps.
class HbaNamesReader {
 public:
  static constexpr size_t kMaxNames = 100'000;  // in all rules
  static constexpr size_t kMaxPatterns = 1000;

  // `source` must outlive the reader.
  explicit HbaNamesReader(HbaSource& source) : source_(source) {}

  // Takes a list off the lexer. Throws HbaFault.
  HbaNames databases(HbaLexer& lexer);
  HbaNames users(HbaLexer& lexer);

 private:
  HbaNames list(HbaLexer& lexer, bool is_users, std::string_view what);
  void add(HbaNames& names, const HbaLexer& lexer, bool is_users, const std::string& file,
           size_t depth);
  bool add_keyword(HbaNames& names, const std::string& text, bool is_users);
  void add_file(HbaNames& names, const std::string& path, bool is_users, size_t depth);
  void add_lines(HbaNames& names, const std::string& text, bool is_users, const std::string& path,
                 size_t depth);

  HbaSource& source_;
  size_t names_ = 0;
  size_t patterns_ = 0;
};

}  // namespace remuda::auth
