// One row of the table of settings: a name, where its value lies in Config, what is known of it;
// and how its value is read and printed. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.h"

namespace remuda::config {

// The longest time that any of them takes.
constexpr double kLongestSeconds = 1e10;

// Micros is a plain integer type; the tag says that the text of the value is in seconds.
struct Seconds {
  Micros Config::*member;

  bool operator==(const Seconds&) const = default;
};

// The type of the member is the type of the setting.
using Member =
    std::variant<std::string Config::*, std::optional<std::string> Config::*, int Config::*,
                 std::optional<int> Config::*, bool Config::*, uint32_t Config::*, Seconds,
                 std::vector<std::string> Config::*, PoolMode Config::*, AuthType Config::*,
                 TlsMode Config::*, TlsNegotiation Config::*, TrackSettings Config::*,
                 OnDemotion Config::*>;

struct Setting {
  const char* name;
  Member member;
  const char* default_text;  // null: no default (NULL on the console)
  bool reloadable;           // by RELOAD and SET
  bool per_database;         // a database may have its own value
  bool per_user;             // a user may have its own value
  bool acts;                 // false: parsed and shown, but without effect
  const char* help;          // without its full stop
};

// Sets the value from its text, without regard to `reloadable`. False for a bad value: the
// configuration is then unchanged and `allowed` says what would have been right. A comment (` #
// ...` or ` ; ...`) after a number, time, boolean or word is dropped; in free text it is part of
// the value. An empty text unsets a setting whose default is NULL.
bool parse_value(Config& config, const Setting& setting, std::string_view text,
                 std::string& allowed);

void set_default(Config& config, const Setting& setting);

// The value as SHOW CONFIG prints it: times in seconds, booleans as 0 and 1. Nothing for NULL.
std::optional<std::string> show_value(const Config& config, const Setting& setting);

// Whether nobody may be shown its value.
bool is_secret(const Setting& setting);

// The column `default` of SHOW CONFIG: nothing for NULL.
std::optional<std::string> default_value(const Setting& setting);

}  // namespace remuda::config
