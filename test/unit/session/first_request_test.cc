#include "remuda/session/first_request.h"

#include <string>

#include "support/catch.h"
#include "unit/session/messages.h"

namespace remuda::session::test::first_request_test {
namespace {

const std::string kBatch = message('P', std::string("\0select 1\0\0\0", 13)) +
                           message('B', std::string(8, '\0')) + message('E', std::string(5, '\0'));

// Its size when whole, nothing at every cut.
void check_whole(const std::string& request) {
  CHECK(first_request(request) == request.size());
  for (size_t n = 0; n < request.size(); ++n) {
    INFO("cut at " << n);
    CHECK_FALSE(first_request(ByteView(request).substr(0, n)));
  }
  CHECK(first_request(request + query("next")) == request.size());
}

TEST_CASE("a query, a function call and a batch up to its Sync are requests") {
  check_whole(query("select 1"));
  check_whole(message('F', "call"));
  check_whole(message('S'));
  check_whole(kBatch + message('S'));
  check_whole(kBatch + message('H') + kBatch + message('D', "S") + message('C', "S") +
              message('S'));
}

TEST_CASE("what is not a whole request of one kind is none") {
  CHECK_FALSE(first_request(kBatch));
  CHECK_FALSE(first_request(kBatch + query("select 1")));
  CHECK_FALSE(first_request(message('d', "data") + message('S')));
  CHECK_FALSE(first_request(message('X')));
  CHECK_FALSE(first_request(std::string("Q\0\0\0\3", 5)));
  CHECK_FALSE(first_request(std::string("Q\xff\xff\xff\xff", 5)));
}

}  // namespace
}  // namespace remuda::session::test::first_request_test
