// The ident file: which database users the owner of a system name (an account of this machine, or
// a certificate) may log in as. Immutable once read; any thread.
// PostgreSQL manual, User Name Maps.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/hba_pattern.h"
#include "auth/hba_source.h"

namespace remuda::auth {

class IdentMaps {
 public:
  bool has(const std::string& map) const { return maps_.contains(map); }
  // Without a map ("") the two names must be equal; an unknown map allows nobody.
  bool allows(const std::string& map, const std::string& system_name,
              const std::string& database_user) const;

  // Reads the file and what it includes. Each bad line is skipped, with a message.
  static IdentMaps read(const std::string& path, const HbaFiles& files,
                        std::vector<std::string>& messages);

 private:
  // A name as the file has it, or an expression.
  struct Name {
    bool is_all = false;
    bool has_reference = false;  // \1 stands for what the system name's first parentheses matched
    std::string text;
    std::shared_ptr<const HbaPattern> pattern;
  };
  struct Line {
    Name system;
    Name user;
  };

  void add(const std::string& text);
  static Name system_name(std::string_view text);
  static Name user_name(std::string_view text, bool is_quoted, const Name& system);
  static bool allows(const Line& line, const std::string& system_name, const std::string& user);

  std::map<std::string, std::vector<Line>> maps_;
  size_t lines_ = 0;
};

// An empty path gives no maps and no message; a file that cannot be read no maps, with a message.
std::shared_ptr<const IdentMaps> load_ident(const std::string& path,
                                            std::vector<std::string>& messages);

}  // namespace remuda::auth
