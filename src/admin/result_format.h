// The result of a command as the extended protocol wants it: columns in text or binary format.
// Pure; works on messages that the console itself has made.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "remuda/wire/frame.h"

namespace remuda::admin {

// Takes the first message off `bytes`, with its header; empty at the end.
std::string_view take_message(std::string_view& bytes);

// A result with its columns in the formats of a Bind: none (all text), one for all, or one each.
// int4, int8, numeric and bytea have a binary form, the rest is the same in both.
// Throws PgError for another number of formats and for unknown ones.
std::string with_formats(std::string_view result, std::span<const uint16_t> formats);

}  // namespace remuda::admin
