// Messages of our own into an egress. The caller has seen to it that there is room. Used by the
// conversation only. PostgreSQL manual, Frontend/Backend Protocol: Message Formats.
#pragma once

#include <string>

#include "frame_walk.h"
#include "remuda/session/egress.h"
#include "remuda/session/statement.h"
#include "remuda/wire/builder.h"
#include "remuda/wire/notice.h"

namespace remuda::session {

// Nothing has this name, so what refers to it fails.
constexpr ByteView kNowhere = "remuda_nowhere";

inline void put_header(Egress& out, char type, size_t body_size) {
  char header[FrameWalk::kHeaderSize];
  header[0] = type;
  store_u32(header + 1, static_cast<uint32_t>(body_size + 4));
  out.copy({header, sizeof header});
}

inline void put_cstring(Egress& out, ByteView text) {
  out.copy(text);
  out.copy(ByteView("\0", 1));
}

// Text that outlives the egress: a short one is copied, so that it is one run with what is around
// it.
inline void put_text(Egress& out, ByteView text) {
  constexpr size_t kShort = 1024;
  if (text.size() <= kShort) {
    out.copy(text);
  } else {
    out.forward(text);
  }
}

// Describe or Close of a statement.
inline void put_reference(Egress& out, char type, const StatementDigest& digest) {
  const StatementName name = server_name(digest);
  put_header(out, type, 1 + name.size() + 1);
  out.copy("S");
  put_cstring(out, view_of(name));
}

inline void put_query(Egress& out, ByteView sql) {
  put_header(out, 'Q', sql.size() + 1);
  put_cstring(out, sql);
}

inline std::string error_message(const SqlState& state, ByteView text, ByteView detail = {}) {
  wire::ErrorFields fields;
  fields.severity = fields.invariant_severity = "ERROR";
  fields.sqlstate = state;
  fields.message = text;
  fields.detail = detail;
  std::string message;
  wire::error_response(message, fields);
  return message;
}

}  // namespace remuda::session
