#include "remuda/session/egress.h"

#include <string>
#include <vector>

#include "support/catch.h"

namespace remuda::session::egress_test {
namespace {

std::string content(Egress& out) {
  std::string text;
  for (const iovec& run : out.runs()) text.append(static_cast<char*>(run.iov_base), run.iov_len);
  return text;
}

TEST_CASE("bytes that follow each other make one run") {
  std::vector<char> scratch(16);
  Egress out(scratch);
  const std::string buffer = "abcdef";
  CHECK(out.forward(ByteView(buffer).substr(0, 2)));
  CHECK(out.forward(ByteView(buffer).substr(2, 2)));
  CHECK(out.runs().size() == 1);
  CHECK(out.forward(ByteView(buffer).substr(5)));
  CHECK(out.runs().size() == 2);
  CHECK(content(out) == "abcdf");
  CHECK(out.size() == 5);
  CHECK(out.forward({}));
  CHECK(out.runs().size() == 2);
}

TEST_CASE("copies are bounded by the scratch memory") {
  std::vector<char> scratch(4);
  Egress out(scratch);
  const std::string text = "abc";
  CHECK(out.copy(text));
  CHECK(!out.copy(text));
  CHECK(content(out) == "abc");
  CHECK(out.copy("d"));
  CHECK(out.runs().size() == 1);
  CHECK(content(out) == "abcd");
  out.clear();
  CHECK(out.empty());
  CHECK(out.copy(text));
  CHECK(content(out) == "abc");
}

TEST_CASE("runs are bounded, and one refused changes nothing") {
  std::vector<char> scratch(4);
  Egress out(scratch);
  std::string buffer(3 * Egress::kMaxRuns, 'x');
  for (size_t i = 0; i < Egress::kMaxRuns; ++i) {
    CHECK(out.has_room(1, 4));
    REQUIRE(out.forward({buffer.data() + 2 * i, 1}));
  }
  CHECK(!out.has_room(1, 0));
  CHECK(!out.forward({buffer.data() + 2 * Egress::kMaxRuns, 1}));
  CHECK(!out.copy("y"));
  CHECK(out.size() == Egress::kMaxRuns);
  // Lengthening the last is still possible.
  CHECK(out.forward({buffer.data() + 2 * Egress::kMaxRuns - 1, 1}));
  CHECK(out.has_room(0, 4));
}

}  // namespace
}  // namespace remuda::session::egress_test
