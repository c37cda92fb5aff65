// The fields of ErrorResponse and NoticeResponse, as they are read here and built by
// wire/builder.h. A server may leave any of them out, or cut the list short: what can be read is
// given, the rest has a default. Views own nothing. Any thread. PostgreSQL manual, Frontend/Backend
// Protocol, Error and Notice Message Fields.
#pragma once

#include "remuda/base/bytes.h"
#include "remuda/base/error.h"

namespace remuda::wire {

struct ErrorFields {
  ByteView severity;            // S, in the server's language; else V; else "ERROR"
  ByteView invariant_severity;  // V, never translated; empty before PostgreSQL 9.6
  SqlState sqlstate{"XX000"};   // C
  ByteView message;             // M
  ByteView detail;              // D
  ByteView hint;                // H
  ByteView routine;             // R, the function of the server that raised it
  bool has_sqlstate = false;    // false: missing or not five characters, and the default stands
  bool well_formed = false;     // every field ended, and the list did

  // The connection is over after it, as far as the severity can tell.
  bool is_fatal() const noexcept;
};

// Of repeated fields the first counts, unknown ones are passed over.
ErrorFields parse_error_fields(ByteView body) noexcept;

}  // namespace remuda::wire
