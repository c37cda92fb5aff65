#include "proxy/startup_parameters.h"

#include "remuda/base/error.h"
#include "support/catch.h"

namespace remuda::proxy::startup_parameters_test {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

StartupParameters read(Pairs parameters, const config::Config& config = {}) {
  wire::Startup startup;
  startup.parameters = std::move(parameters);
  return read_parameters(startup, config);
}

std::string fault(Pairs parameters, const config::Config& config = {}) {
  try {
    read(std::move(parameters), config);
  } catch (const PgError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("user and database are found, and the database defaults to the user") {
  const auto both = read({{"user", "ann"}, {"database", "shop"}});
  CHECK(both.user == "ann");
  CHECK(both.database == "shop");
  CHECK(read({{"user", "ann"}}).database == "ann");
}

TEST_CASE("a user is needed, of at most 127 bytes") {
  CHECK(fault({{"database", "shop"}}) == "no username supplied");
  CHECK(fault({{"user", std::string(127, 'u')}}).empty());
  CHECK(fault({{"user", std::string(128, 'u')}}) == "username too long");
}

TEST_CASE("tracked parameters are kept, whatever their case") {
  const auto read_back = read({{"user", "u"}, {"datestyle", "ISO"}, {"TIMEZONE", "UTC"}});
  CHECK(read_back.tracked == Pairs{{"datestyle", "ISO"}, {"TIMEZONE", "UTC"}});
}

TEST_CASE("other parameters are refused unless ignored or tracked") {
  const Pairs asked{{"user", "u"}, {"enable_seqscan", "off"}};
  CHECK(fault(asked) == "unsupported startup parameter: enable_seqscan");
  config::Config config;
  config.ignore_startup_parameters = {"enable_seqscan"};
  CHECK(read(asked, config).tracked.empty());
  config.ignore_startup_parameters.clear();
  config.track_extra_parameters = {"Enable_SeqScan"};
  CHECK(read(asked, config).tracked.size() == 1);
}

TEST_CASE("what drivers ask for is kept where all settings follow, unless it is ignored") {
  const Pairs asked{{"user", "u"}, {"extra_float_digits", "3"}};
  config::Config config;
  CHECK(read(asked, config).tracked == Pairs{{"extra_float_digits", "3"}});
  config.ignore_startup_parameters = {"extra_float_digits"};
  CHECK(read(asked, config).tracked.empty());
  config.ignore_startup_parameters.clear();
  config.track_session_settings = config::TrackSettings::reported;
  CHECK_THROWS_AS(read(asked, config), PgError);
}

TEST_CASE("options are taken apart") {
  const auto got = read({{"user", "u"}, {"options", "-c datestyle=ISO --TimeZone=UTC"}});
  CHECK(got.tracked == Pairs{{"datestyle", "ISO"}, {"TimeZone", "UTC"}});
  CHECK(fault({{"user", "u"}, {"options", "-c work_mem=1"}}) ==
        "unsupported startup parameter in options: work_mem");
  config::Config config;
  config.ignore_startup_parameters = {"options"};
  CHECK(read({{"user", "u"}, {"options", "-c work_mem=1 -c datestyle=ISO"}}, config).tracked ==
        Pairs{{"datestyle", "ISO"}});
  CHECK(fault({{"user", "u"}, {"options", "-d 5"}}).find("only '-c config=val'") !=
        std::string::npos);
}

TEST_CASE("protocol extensions are set aside") {
  CHECK(read({{"user", "u"}, {"_pq_.x", "1"}}).extensions == std::vector<std::string>{"_pq_.x"});
}

TEST_CASE("replication is logical by the word database, physical by a true boolean") {
  CHECK(parse_replication("database") == Replication::logical);
  for (const char* text : {"true", "T", "tr", "yes", "Y", "on", "1"}) {
    INFO(text);
    CHECK(parse_replication(text) == Replication::physical);
  }
  for (const char* text :
       {"", "false", "off", "o", "no", "0", "2", "Database", "databases", "truest"}) {
    INFO(text);
    CHECK(parse_replication(text) == Replication::none);
  }
  CHECK(read({{"user", "u"}, {"replication", "database"}}).replication == Replication::logical);
  CHECK(fault({{"user", "u"}, {"replication", "nonsense"}}).empty());
}

TEST_CASE("options of a replication client are left as they are, wherever they stand") {
  const auto got = read({{"user", "u"}, {"options", "-d 5 -c a=b"}, {"replication", "yes"}});
  CHECK(got.options == "-d 5 -c a=b");
  CHECK(got.tracked.empty());
  CHECK_FALSE(fault({{"user", "u"}, {"options", "-c work_mem=1"}, {"replication", "off"}}).empty());
}

TEST_CASE("an address is added to the application's name, or to app without one") {
  Pairs named{{"Application_Name", "psql"}, {"DateStyle", "ISO"}};
  add_host(named, "10.0.0.1:4711");
  CHECK(named == Pairs{{"DateStyle", "ISO"}, {"application_name", "psql - 10.0.0.1:4711"}});
  Pairs unnamed;
  add_host(unnamed, "unix(7):6432");
  CHECK(unnamed == Pairs{{"application_name", "app - unix(7):6432"}});
}

}  // namespace remuda::proxy::startup_parameters_test
