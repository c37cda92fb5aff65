// The prepared statements of one client by the names it gave them. Made when it prepares the first,
// so that other clients cost nothing. Owned by the client's view. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "remuda/session/statement.h"

namespace remuda::session {

struct ClientStatements {
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view name) const noexcept {
      return std::hash<std::string_view>{}(name);
    }
  };
  std::unordered_map<std::string, StatementRef, Hash, std::equal_to<>> named;
  StatementSlot unnamed;
  std::string complaint;  // a line for the log: what it asked for cannot be
};

// The same by value, on its way to another worker: name, empty for the unnamed one, and statement.
using StatementCopies = std::vector<std::pair<std::string, StatementCopy>>;

StatementCopies copy_out(const ClientStatements* statements);
std::unique_ptr<ClientStatements> copy_in(const StatementCopies& copies, StatementTable& table);

}  // namespace remuda::session
