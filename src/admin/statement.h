// What a console client typed, taken apart: WORD [WORD] [;], SHOW WORD WORD [;],
// {DISABLE|ENABLE} HOST host[:port] [;] or SET key {=|TO} value [;]. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace remuda::admin {

struct Statement {
  std::string word;      // lower case; SELECT reads as "show"
  std::string argument;  // the second word, or the key of SET; as written, empty if there is none
  std::string name;      // the third word: of whom SHOW is to tell, or a host
  std::optional<std::string> value;  // of SET
};

// Throws PgError for whatever the grammar does not know, and for words that are too long.
Statement parse_statement(std::string_view text);

// "invalid command 'TEXT', use SHOW HELP;"
std::string invalid_command(std::string_view text);

}  // namespace remuda::admin
