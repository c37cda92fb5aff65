// Writes the SQL that changes settings, so that it means the same whatever the server's
// standard_conforming_strings and client_encoding are when it arrives. Used by the session layer.
#pragma once

#include <string>

#include "remuda/base/bytes.h"

namespace remuda::session {

// In lower case, letters of ASCII alone.
std::string lower_name(ByteView name);

// A literal that reads the same with standard_conforming_strings on and off.
void append_literal(std::string& sql, ByteView text);

// A literal, or where it is not ASCII and the encoding it has is known, an expression that gives
// it: the server converts a query from the encoding it has when the query arrives.
void append_expression(std::string& sql, ByteView value, const std::string* encoding);

// SELECT pg_catalog.set_config(...); without a value it is reset.
void append_set_config(std::string& sql, ByteView name, const ByteView* value,
                       const std::string* encoding);

// True for a name that may stand in SET as it is: no key word, no dot.
bool is_plain_name(ByteView name) noexcept;

// SET reads a quoted value of these as one single name, so a list must go through set_config.
bool is_quoted_list(ByteView name) noexcept;

}  // namespace remuda::session
