#include "route/primary_claim.h"

#include "support/catch.h"

namespace remuda::route::primary_claim_test {
namespace {

PrimaryClaim claim(std::string_view name, uint32_t timeline) {
  return {.name = name, .timeline = timeline, .shares_writes = true};
}

PrimaryClaim serving(std::string_view name, uint32_t timeline, Micros since = 1) {
  PrimaryClaim made = claim(name, timeline);
  made.is_serving = true;
  made.since = since;
  return made;
}

// It is one of the two, whatever the order of asking.
bool wins(const PrimaryClaim& a, const PrimaryClaim& b) {
  return outranks(a, b) && !outranks(b, a);
}

}  // namespace

TEST_CASE("C5 37 the higher timeline is the later primary, there or not") {
  CHECK(wins(claim("a", 2), serving("b", 1)));
  CHECK(wins(serving("a", 2), claim("b", 1)));
  CHECK_FALSE(outranks(claim("never", 0), claim("b", 1)));
  CHECK_FALSE(outranks(claim("never", 0), claim("never", 0)));
}

TEST_CASE("C5 37 of two on one timeline the one in use is followed, as long as it is") {
  CHECK(wins(serving("z", 1), claim("a", 1)));
  CHECK(wins(serving("z", 1, 5), serving("a", 1, 6)));
  CHECK(wins(serving("a", 1, 5), serving("z", 1, 5)));
  CHECK_FALSE(outranks(claim("a", 1), claim("z", 1)));
  CHECK_FALSE(outranks(claim("a", 1), serving("z", 1)));
}

TEST_CASE("two on one timeline may both be used where nobody wants the primary of both") {
  PrimaryClaim a = serving("a", 1);
  a.shares_writes = false;
  CHECK_FALSE(outranks(a, claim("z", 1)));
  a.timeline = 2;
  CHECK(outranks(a, claim("z", 1)));
}

TEST_CASE("the manager's word decides between two on one timeline, and no more") {
  PrimaryClaim named = serving("z", 1, 9);
  named.is_named = true;
  CHECK(wins(named, serving("a", 1, 1)));
  CHECK(wins(serving("a", 2, 9), named));
  // What is named but not there helps nobody.
  named.is_serving = false;
  CHECK_FALSE(outranks(named, serving("a", 1)));
}

TEST_CASE("a host that shall never be the primary is none while there is another") {
  PrimaryClaim trial = serving("a", 5);
  trial.is_never_one = true;
  CHECK(wins(serving("z", 1), trial));
  CHECK_FALSE(outranks(claim("z", 1), trial));
  CHECK(outranks(claim("z", 7), trial));
  CHECK_FALSE(outranks(trial, claim("z", 1)));
  trial.is_named = true;
  CHECK(wins(trial, serving("z", 1)));
}

}  // namespace remuda::route::primary_claim_test
