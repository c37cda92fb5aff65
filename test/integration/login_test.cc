#include "support/catch.h"
#include "support/postgres.h"
#include "support/remuda_process.h"
#include "support/fake_server.h"
#include "support/raw_client.h"
#include "support/threads.h"
using namespace remuda::test;
TEST_CASE("postgres smoke") {
  CHECK(postgres().value("select 41+1") == "42");
  CHECK(postgres().backends("p0") == 0);
  Address a = postgres().address("p0","scram_user");
  auto e = pq_error([&]{ Pq{a}; });
  CHECK(e.message == "x");
  a.password="wrong";
  e = pq_error([&]{ Pq{a}; });
  CHECK(e.sqlstate == "28P01");
  CHECK(e.message == "x");
  a.password="scram-secret";
  CHECK(Pq(a).value("select 1")=="1");
  e = pq_error([&]{ Pq(postgres().address("p0")).exec("selec"); });
  CHECK(e.sqlstate == "42601");
  RawClient c(postgres().port(), "postgres", "p0");
  CHECK(c.value("select 'x'")=="x");
  CHECK(c.key().size()==8);
  FakeServer f([](FakePeer& p){ p.login(); p.serve([](const std::string& q){return "<"+q+">";}); });
  Pq q(Address{.port=f.port(),.dbname="p0",.user="u"});
  CHECK(q.value("hello")=="<hello>");
  CHECK(q.cancel());
  CHECK(eventually([&]{return f.cancels()==1;}));
}
