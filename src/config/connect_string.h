// The right side of an entry of [databases], [users] and [peers]: `key=value` pairs. Pure; any
// thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.h"

namespace remuda::config {

// Where the text of an entry cannot be understood. `what` is empty when it can.
struct PairError {
  std::string what;
  size_t position = 0;  // bytes from the start of the text

  explicit operator bool() const noexcept { return !what.empty(); }
};

using Pairs = std::vector<std::pair<std::string, std::string>>;

// Splits `key=value key = 'it''s'` at blanks. Tabs are ordinary characters; empty values are
// errors. Returns the pairs in front of the error, if there is one.
Pairs parse_pairs(std::string_view text, PairError& error);

// Each fills an entry whose name (of a peer: id) is already set, and adds every problem of it to
// `problems`, as "KEY: what (allowed: ...)". True if there was none. The name itself is checked
// too. A later pair wins over an earlier one with the same key. No problem repeats a password. A
// `password_file` is named, not read.
bool read_database(Database& database, std::string_view text, std::vector<std::string>& problems);
bool read_user(User& user, std::string_view text, std::vector<std::string>& problems);
bool read_peer(Peer& peer, std::string_view text, std::vector<std::string>& problems);

}  // namespace remuda::config
