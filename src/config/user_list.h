// The auth file: names and secrets. Immutable once read; any thread. Secrets are never printed.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace remuda::config {

class UserList {
 public:
  // The stored secret of a name: plain text, md5 or SCRAM. Null for an unknown name.
  const std::string* find(const std::string& name) const;
  const std::map<std::string, std::string>& entries() const noexcept { return secrets_; }

  // Reads the text of an auth file. After a broken line reading stops; entries before it count.
  // `problem` is then what to log ("broken auth file", ...), else empty.
  static UserList parse(std::string_view text, std::string& problem);

 private:
  std::map<std::string, std::string> secrets_;
};

// Reads the file if it is not the one, unchanged, that `current` was read from; otherwise returns
// `current`. Problems (a missing file included) are added to `messages`, and are not fatal.
// `current` may be null. An empty path gives an empty list.
std::shared_ptr<const UserList> load_user_list(const std::string& path,
                                               std::shared_ptr<const UserList> current,
                                               std::vector<std::string>& messages);

}  // namespace remuda::config
