// What a statement does to the settings of a session: SET, RESET, DISCARD ALL and SELECT set_config
// in all their forms, read into names and the SQL that does the same on another server. That SQL is
// plain ASCII and means the same whatever standard_conforming_strings and client_encoding are where
// it runs, so it can be kept and compared as text. Only for statements that statement_text has
// found to be of these kinds, and that a server has accepted. Pure; bounded by the text's length.
// PostgreSQL manual, SQL Commands: SET, RESET; Configuration Settings Functions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "remuda/base/bytes.h"
#include "remuda/session/statement_text.h"

namespace remuda::session {

struct SettingChange {
  enum class Kind : uint8_t {
    set,
    reset,  // to the session's default
    reset_all,
    discard_all,
    unknown,  // something was changed that cannot be told
  };
  Kind kind = Kind::unknown;
  bool local = false;  // ends with the transaction
  // In lower case, as all names of settings are compared without case; a role and a session's user
  // are the settings "role" and "session_authorization".
  std::string name;
  // The statement that sets it, with its semicolon; of `set` only.
  std::string sql;
  // Arguments of set_config (name, value, is_local) that are parameters: $n, or 0.
  std::array<uint16_t, 3> parameters{};

  bool needs_parameters() const noexcept { return parameters != std::array<uint16_t, 3>{}; }
};

// How a server read the text.
struct TextRules {
  bool standard_strings = true;           // standard_conforming_strings
  const std::string* encoding = nullptr;  // client_encoding; null: not known
};

// Appends what the statement changes, nothing for what has no effect on the session
// (SET TRANSACTION, SET CONSTRAINTS, SEED ...).
void read_setting_changes(StatementKind kind, ByteView statement, const TextRules& rules,
                          std::vector<SettingChange>& changes);

// A change by set_config whose arguments came with Bind: `values[n-1]` is that of $n, nothing where
// it is null, in text or in binary format. Unknown when one is missing.
SettingChange bind_parameters(const SettingChange& change,
                              const std::vector<std::optional<ByteView>>& values,
                              const TextRules& rules);

// Same as SET with a value that is known exactly: from a start-up packet.
SettingChange setting_assignment(ByteView name, ByteView value, const TextRules& rules);

// SQL that resets a setting of this name, with its semicolon.
void append_reset(std::string& sql, ByteView name);

// Whether a CommandComplete's tag tells of a changed setting: SET, RESET, DISCARD ALL.
bool is_setting_tag(ByteView tag) noexcept;

// Not changed by RESET ALL; DISCARD ALL resets it.
bool survives_reset_all(ByteView name) noexcept;

}  // namespace remuda::session
