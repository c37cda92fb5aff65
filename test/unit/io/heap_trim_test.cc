#include "io/heap_trim.h"

#include "io/loop.h"
#include "support/catch.h"
#include "unit/io/run_until.h"

namespace remuda::io::heap_trim_test {
namespace {

constexpr size_t kMuch = 4 * HeapTrim::kWorthwhile;

}  // namespace

TEST_CASE("the heap is trimmed once much was given back", "[heap_trim]") {
  Loop loop;
  HeapTrim& trim = loop.heap_trim();
  { const Block kept_for_reuse = loop.blocks().get(100); }
  trim.taken(kMuch);
  CHECK(loop.blocks().kept() == 1);
  trim.given_back(kMuch);
  run_until(loop, [&] { return trim.trims() == 1; });
  CHECK(loop.blocks().kept() == 0);
}

TEST_CASE("coming and going trims nothing, nor does what is taken again", "[heap_trim]") {
  Loop loop;
  HeapTrim& trim = loop.heap_trim();
  trim.taken(kMuch);
  for (int i = 0; i < 100; ++i) {
    trim.given_back(HeapTrim::kWorthwhile / 2);
    trim.taken(HeapTrim::kWorthwhile / 2);
  }
  CHECK_FALSE(trim.is_scheduled());
  trim.given_back(kMuch);
  CHECK(trim.is_scheduled());
  trim.taken(kMuch);
  run_until(loop, [&] { return !trim.is_scheduled(); });
  CHECK(trim.trims() == 0);
}

TEST_CASE("a trim that is due keeps no loop running", "[heap_trim]") {
  Loop loop;
  loop.heap_trim().taken(kMuch);
  loop.heap_trim().given_back(kMuch);
  CHECK(loop.heap_trim().is_scheduled());
  loop.run();
  CHECK(loop.heap_trim().trims() == 0);
}

}  // namespace remuda::io::heap_trim_test
