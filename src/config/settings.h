// The table of all settings. Walking it parses a file and SET, prints SHOW CONFIG, and says what
// can change at run time; the sample configuration is tested against it. Pure; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "config/setting.h"

namespace remuda::config {

// All settings, in the order of SHOW CONFIG.
std::span<const Setting> settings();

// Null for an unknown name. Case matters.
const Setting* find_setting(std::string_view name);

// The name most like a mistyped one, for "did you mean"; empty if none is near.
std::string nearest_setting(std::string_view name);

// SET of the console. False for an unknown key or a bad value. A setting that cannot change at run
// time is left alone and counts as success, as in PgBouncer.
bool set_value(Config& config, const std::string& key, const std::string& value);

}  // namespace remuda::config
