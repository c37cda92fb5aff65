#include "proxy/claims.h"

#include "proxy/ledger.h"
#include "support/catch.h"

namespace remuda::proxy::claims_test {
namespace {

struct Fixture {
  Ledger a{nullptr, nullptr, 2};
  Ledger b{nullptr, nullptr, 2};
  Claims claims;
};

}  // namespace

TEST_CASE("without claims nobody is first, and nobody has to wait for another") {
  Fixture f;
  CHECK(f.claims.oldest() == 0);
  CHECK_FALSE(f.claims.first());
  CHECK_FALSE(f.claims.is_another_older(&f.a, 0));
  f.claims.withdraw(&f.a, 0);
  CHECK(f.claims.oldest() == 0);
}

TEST_CASE("the claim that has waited longest is first, and a part of a pool has one only") {
  Fixture f;
  f.claims.state({&f.a, 0, 300});
  f.claims.state({&f.b, 1, 200});
  CHECK(f.claims.first()->pool == &f.b);
  CHECK(f.claims.first()->worker == 1);
  CHECK(f.claims.oldest() == 200);
  f.claims.state({&f.a, 0, 100});
  CHECK(f.claims.first()->pool == &f.a);
  f.claims.state({&f.a, 0, 400});
  CHECK(f.claims.first()->pool == &f.b);
  f.claims.withdraw(&f.b, 0);
  CHECK(f.claims.oldest() == 200);
  f.claims.withdraw(&f.b, 1);
  CHECK(f.claims.oldest() == 400);
  f.claims.withdraw(&f.a, 0);
  CHECK(f.claims.oldest() == 0);
}

TEST_CASE("a pool gives way to others that came earlier, not to its own parts") {
  Fixture f;
  f.claims.state({&f.a, 0, 100});
  CHECK_FALSE(f.claims.is_another_older(&f.a, 200));
  CHECK(f.claims.is_another_older(&f.b, 200));
  CHECK_FALSE(f.claims.is_another_older(&f.b, 100));
  CHECK_FALSE(f.claims.is_another_older(&f.b, 50));
  CHECK(f.claims.is_another_older(&f.b, 0));
  CHECK_FALSE(f.claims.is_another_older(&f.a, 0));
}

}  // namespace remuda::proxy::claims_test
