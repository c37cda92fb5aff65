// Reads the calls of SELECT set_config(...), set_config(...), and what EXECUTE gives to one that is
// prepared. Used in the session layer only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "remuda/session/setting_change.h"
#include "token_walk.h"

namespace remuda::session {

// `walk` stands behind SELECT. Where there is more in the statement than such calls of constants
// and parameters, one of the changes is unknown.
void read_set_config(TokenWalk& walk, const TextRules& rules, std::vector<SettingChange>& changes);

// The arguments of EXECUTE, `tail` being what follows the name: null, or their text. Empty where
// one of them is no constant.
std::vector<std::optional<std::string>> read_execute_arguments(ByteView tail,
                                                               const TextRules& rules);

}  // namespace remuda::session
