#include "remuda/wire/message.h"

#include <string>

#include "support/catch.h"

namespace remuda::wire::message_test {
namespace {

std::string known(const MessageType* (*lookup)(char) noexcept) {
  std::string types;
  for (int c = 0; c < 256; ++c) {
    const MessageType* message = lookup(static_cast<char>(c));
    if (message == nullptr) continue;
    CHECK(message->type == static_cast<char>(c));
    types += message->type;
  }
  return types;
}

std::string with(const MessageType* (*lookup)(char) noexcept, Reads reads) {
  std::string types;
  for (const char c : known(lookup)) {
    if (lookup(c)->reads == reads) types += c;
  }
  return types;
}

TEST_CASE("exactly the types of the protocol are known in each direction") {
  CHECK(known(frontend_message) == "BCDEFHPQSXcdfp");
  CHECK(known(backend_message) == "123ACDEGHIKNRSTVWZcdnstv");
}

TEST_CASE("what is read of each message") {
  CHECK(with(frontend_message, Reads::whole) == "CDPp");
  CHECK(with(frontend_message, Reads::prefix) == "BQ");
  CHECK(with(backend_message, Reads::whole) == "CEKRSZv");
  CHECK(with(backend_message, Reads::prefix).empty());
}

TEST_CASE("one byte is another message in the other direction") {
  CHECK(frontend_message('D')->name == "Describe");
  CHECK(backend_message('D')->name == "DataRow");
  CHECK(frontend_message('D')->direction == Direction::frontend);
  CHECK(backend_message('D')->direction == Direction::backend);
}

static_assert(frontend_message('Q')->name == "Query");
static_assert(backend_message('Q') == nullptr);

}  // namespace
}  // namespace remuda::wire::message_test
