#include "remuda/wire/notice.h"

#include "remuda/wire/reader.h"

namespace remuda::wire {
namespace {

void keep_first(ByteView& field, ByteView value) noexcept {
  if (field.data() == nullptr) field = value;
}

void keep_sqlstate(ErrorFields& fields, ByteView value) noexcept {
  if (fields.has_sqlstate || value.size() != 5) return;
  fields.sqlstate = SqlState(value);
  fields.has_sqlstate = true;
}

void keep(ErrorFields& fields, char type, ByteView value) noexcept {
  switch (type) {
    case 'S':
      return keep_first(fields.severity, value);
    case 'V':
      return keep_first(fields.invariant_severity, value);
    case 'C':
      return keep_sqlstate(fields, value);
    case 'M':
      return keep_first(fields.message, value);
    case 'D':
      return keep_first(fields.detail, value);
    case 'H':
      return keep_first(fields.hint, value);
    case 'R':
      return keep_first(fields.routine, value);
    default:
      return;
  }
}

}  // namespace

bool ErrorFields::is_fatal() const noexcept {
  const ByteView word = invariant_severity.empty() ? severity : invariant_severity;
  return word == "FATAL" || word == "PANIC";
}

ErrorFields parse_error_fields(ByteView body) noexcept {
  ErrorFields fields;
  Reader reader(body);
  while (true) {
    const char type = static_cast<char>(reader.u8());
    if (type == '\0') break;
    const ByteView value = reader.cstring();
    if (!reader.ok()) break;
    keep(fields, type, value);
  }
  fields.well_formed = reader.done();
  if (fields.severity.empty()) fields.severity = fields.invariant_severity;
  if (fields.severity.empty()) fields.severity = "ERROR";
  return fields;
}

}  // namespace remuda::wire
