// The auth file: names and secrets. Immutable once read; any thread. Secrets are never printed.
#pragma once

#include <sys/stat.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace remuda::config {

class UserList {
 public:
  // The stored secret of a name: plain text, md5 or SCRAM; empty: lets nobody in. Null for an
  // unknown name.
  const std::string* find(const std::string& name) const;
  const std::map<std::string, std::string>& entries() const noexcept { return secrets_; }
  // Whether there are secrets, and none but SCRAM's.
  bool has_only_scram() const noexcept { return has_scram_ && !has_others_; }
  // Whether there are others, which let in whoever has read them.
  bool has_open_secrets() const noexcept { return has_others_; }

  // Reads the text of an auth file. After a broken line reading stops; entries before it count.
  // `problem` is then what to log ("broken auth file", ...), else empty.
  static UserList parse(std::string_view text, std::string& problem);

 private:
  friend std::shared_ptr<const UserList> load_user_list(const std::string& path,
                                                        std::shared_ptr<const UserList> current,
                                                        std::vector<std::string>& messages);

  // Which file, in which state, a list was read from. All zero: from none.
  struct Source {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    time_t changed = 0;  // seconds and nanoseconds of the last change
    long changed_ns = 0;

    bool operator==(const Source&) const = default;
  };

  std::map<std::string, std::string> secrets_;
  bool has_scram_ = false;
  bool has_others_ = false;
  Source source_;
};

// Reads the file if it is not the one, unchanged, that `current` was read from; otherwise returns
// `current`. A user of `current` whom the file no longer has stays known, with an empty secret,
// which passes no check. Problems (a missing file included) are added to `messages`, and are not
// fatal. `current` may be null. If the file cannot be read `current` stays; an empty path, or a
// missing file when there is no list yet, gives an empty list.
std::shared_ptr<const UserList> load_user_list(const std::string& path,
                                               std::shared_ptr<const UserList> current,
                                               std::vector<std::string>& messages);

}  // namespace remuda::config
