// Messages out of hostile bytes. Input: one byte for the size of the pieces, one for the bound on
// messages, then the stream. However it is cut, the same messages come out and the same fault.
#include <cstddef>
#include <cstdint>
#include <string>

#include "remuda/base/error.h"
#include "remuda/wire/frame.h"
#include "remuda/wire/message.h"
#include "remuda/wire/notice.h"
#include "remuda/wire/reader.h"

namespace remuda::wire {
namespace {

// Every kind of field from every body: nothing may be read that is not there.
void read_fields(ByteView body) {
  Reader reader(body);
  while (reader.remaining() > 0) {
    const uint8_t size = reader.u8();
    reader.cstring();
    reader.i16();
    reader.i32();
    REMUDA_CHECK(reader.bytes(size).size() <= body.size());
  }
  REMUDA_CHECK(reader.remaining() == 0);
  const ErrorFields fields = parse_error_fields(body);
  REMUDA_CHECK(fields.message.size() <= body.size());
  REMUDA_CHECK(!fields.severity.empty());
}

// What comes out of the stream, as text: type and body of each message, then the rest or the fault.
std::string outcome(ByteView stream, size_t piece, size_t bound) {
  FrameBuffer buffer(bound);
  std::string seen;
  try {
    for (size_t at = 0; at < stream.size(); at += piece) {
      buffer.append(stream.substr(at, piece));
      while (const auto message = buffer.next()) {
        REMUDA_CHECK(message->body.size() + kHeaderSize <= bound);
        seen += message->type;
        seen += message->body;
        if (backend_message(message->type) != nullptr) read_fields(message->body);
      }
    }
  } catch (const PgError& error) {
    return seen + "fault";
  }
  return seen + "rest" + buffer.take_rest();
}

}  // namespace
}  // namespace remuda::wire

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const remuda::ByteView stream(reinterpret_cast<const char*>(data) + 2, size - 2);
  const size_t piece = size_t{data[0]} + 1;
  const size_t bound = size_t{data[1]} + 5;
  REMUDA_CHECK(remuda::wire::outcome(stream, piece, bound) ==
               remuda::wire::outcome(stream, size, bound));
  return 0;
}
