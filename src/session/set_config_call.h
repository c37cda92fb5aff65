// Reads the calls of SELECT set_config(...), set_config(...). Used by session/setting_change only.
#pragma once

#include <vector>

#include "remuda/session/setting_change.h"
#include "token_walk.h"

namespace remuda::session {

// `walk` stands behind SELECT. Where there is more in the statement than such calls of constants
// and parameters, one of the changes is unknown.
void read_set_config(TokenWalk& walk, const TextRules& rules, std::vector<SettingChange>& changes);

}  // namespace remuda::session
