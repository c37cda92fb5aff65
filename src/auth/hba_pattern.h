// A regular expression for names in HBA and ident files. It is PostgreSQL's syntax as far as the
// system's matcher can do exactly the same: what would mean something else there (look-ahead,
// back-references, non-greedy repetitions, class escapes other than \d \w \s) is refused. A search:
// without anchors it may match anywhere. '.' takes one byte. Immutable; any thread.
// PostgreSQL manual, Pattern Matching, POSIX Regular Expressions.
#pragma once

#include <regex.h>

#include <memory>
#include <string>
#include <string_view>

namespace remuda::auth {

constexpr size_t kMaxPattern = 512;       // bytes
constexpr size_t kMaxPatternSize = 4096;  // bytes times all its repetition counts
constexpr size_t kMaxMatched = 1024;      // longer names match nothing

class HbaPattern {
 public:
  // Throws HbaFault.
  explicit HbaPattern(std::string_view pattern);
  ~HbaPattern() { regfree(&compiled_); }
  HbaPattern(const HbaPattern&) = delete;
  HbaPattern& operator=(const HbaPattern&) = delete;

  bool matches(const std::string& name) const;
  // Also gives the part of the name that the first parentheses matched.
  bool matches(const std::string& name, std::string& first_group) const;
  bool has_groups() const noexcept { return compiled_.re_nsub > 0; }

 private:
  regex_t compiled_{};
};

// The same in the system's syntax (extended, POSIX). Throws HbaFault.
std::string posix_pattern(std::string_view pattern);

}  // namespace remuda::auth
