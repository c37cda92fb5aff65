#include "route/directory.h"

#include "support/catch.h"

namespace remuda::route::directory_test {

TEST_CASE("an entry is found by its exact name, else the fallback takes the name asked for") {
  config::Config config;
  config::Database shop;
  shop.name = "shop";
  shop.dbname = "shop_v2";
  config.databases["shop"] = shop;
  CHECK(find_database(config, "shop")->dbname == "shop_v2");
  CHECK_FALSE(find_database(config, "Shop"));
  config::Database any;
  any.name = any.dbname = "*";
  any.hosts = {"h"};
  config.fallback = any;
  const auto made = find_database(config, "other");
  REQUIRE(made);
  CHECK(made->name == "other");
  CHECK(made->dbname == "other");
  CHECK(made->hosts == any.hosts);
}

TEST_CASE("a fallback with its own dbname keeps it") {
  config::Config config;
  config.fallback.emplace();
  config.fallback->dbname = "one";
  CHECK(find_database(config, "x")->dbname == "one");
}

TEST_CASE("a name longer than 63 bytes is no database") {
  config::Config config;
  config.fallback.emplace();
  CHECK(find_database(config, std::string(63, 'd')));
  CHECK_FALSE(find_database(config, std::string(64, 'd')));
}

TEST_CASE("a forced user owns the pool") {
  config::Database database;
  CHECK(pool_user(database, "ann") == "ann");
  database.user = "shared";
  CHECK(pool_user(database, "ann") == "shared");
}

}  // namespace remuda::route::directory_test
