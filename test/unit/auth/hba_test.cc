#include "auth/hba.h"

#include <fmt/core.h>

#include "support/catch.h"
#include "unit/auth/hba_memory_files.h"

namespace remuda::auth::hba_test {
namespace {

using Messages = std::vector<std::string>;
using Options = std::vector<std::pair<std::string, std::string>>;

struct Read {
  HbaRules rules;
  Messages messages;
};

Read read_files(const MemoryFiles& files) {
  Read result;
  const IdentMaps idents =
      IdentMaps::read("ident", hba_files({{"ident", "m a b"}}), result.messages);
  result.rules = HbaRules::read("hba", hba_files(files), idents, result.messages);
  return result;
}

Read read(const std::string& text) {
  return read_files({{"hba", text}});
}

HbaClient tcp(const std::string& database, const std::string& user, const std::string& address) {
  HbaClient client;
  client.database = database;
  client.user = user;
  client.address = io::Address::numeric(address, 1234).value();
  return client;
}

HbaClient tls(const std::string& database, const std::string& user, const std::string& address) {
  HbaClient client = tcp(database, user, address);
  client.is_tls = true;
  return client;
}

HbaClient local(const std::string& database, const std::string& user) {
  HbaClient client;
  client.is_unix = true;
  client.database = database;
  client.user = user;
  return client;
}

HbaClient physical(HbaClient client) {
  client.is_physical_replication = true;
  return client;
}

// The line of the rule that matches; 0: none.
int line_for(const Read& read, const HbaClient& client, const HbaFacts& facts = {}) {
  const HbaAnswer answer = read.rules.find(client, facts);
  CHECK(answer.needs == HbaNeeds::nothing);
  return answer.rule == nullptr ? 0 : answer.rule->line;
}

bool lets(const std::string& rule, const HbaClient& client, const HbaFacts& facts = {}) {
  const Read result = read(rule);
  CHECK(result.messages.empty());
  return line_for(result, client, facts) == 1;
}

HbaNeeds needs(const std::string& rule, const HbaClient& client, const HbaFacts& facts = {}) {
  const Read result = read(rule);
  const HbaAnswer answer = result.rules.find(client, facts);
  CHECK(answer.rule == nullptr);
  return answer.needs;
}

// What is said of a line that is not taken, without place and end.
std::string fault_of(const std::string& line) {
  const Read result = read(line);
  CHECK(result.rules.rules().empty());
  REQUIRE(result.messages.size() == 1);
  const std::string& message = result.messages[0];
  const std::string start = "hba:1: ";
  const std::string end = "; the line is skipped";
  REQUIRE(message.starts_with(start));
  REQUIRE(message.ends_with(end));
  return message.substr(start.size(), message.size() - start.size() - end.size());
}

const std::string kAddresses =
    " (allowed: all, samehost, samenet, ADDRESS/BITS, ADDRESS MASK, host.name, .name.suffix)";
const std::string kMethods =
    " (allowed: trust, reject, md5, password, scram-sha-256, cert, peer, ldap, pam)";
const std::string kTypes =
    " (allowed: local, host, hostssl, hostnossl, hostgssenc, hostnogssenc, include, "
    "include_if_exists, include_dir)";

}  // namespace

TEST_CASE("the type of a rule decides on the connection") {
  const HbaClient unix_client = local("d", "u");
  const HbaClient plain = tcp("d", "u", "10.0.0.1");
  const HbaClient encrypted = tls("d", "u", "10.0.0.1");
  const auto who = [&](const std::string& rule) {
    return std::vector<bool>{lets(rule, unix_client), lets(rule, plain), lets(rule, encrypted)};
  };
  CHECK(who("local all all trust") == std::vector<bool>{true, false, false});
  CHECK(who("host all all all trust") == std::vector<bool>{false, true, true});
  CHECK(who("hostssl all all all trust") == std::vector<bool>{false, false, true});
  CHECK(who("hostnossl all all all trust") == std::vector<bool>{false, true, false});
  CHECK(who("hostgssenc all all all trust") == std::vector<bool>{false, false, false});
  CHECK(who("hostnogssenc all all all trust") == std::vector<bool>{false, true, true});
}

TEST_CASE("every method is known") {
  const auto method = [](const std::string& word) {
    const Read result = read("local all all " + word);
    REQUIRE(result.rules.rules().size() == 1);
    return result.rules.rules()[0].method;
  };
  CHECK(method("trust") == HbaMethod::trust);
  CHECK(method("reject") == HbaMethod::reject);
  CHECK(method("md5") == HbaMethod::md5);
  CHECK(method("password") == HbaMethod::password);
  CHECK(method("scram-sha-256") == HbaMethod::scram_sha_256);
  CHECK(method("cert") == HbaMethod::cert);
  CHECK(method("peer") == HbaMethod::peer);
  CHECK(method("ident") == HbaMethod::peer);
  CHECK(method("ldap") == HbaMethod::ldap);
  CHECK(method("pam") == HbaMethod::pam);
}

TEST_CASE("the first rule that matches wins, and without one nobody gets in") {
  const Read result = read(
      "# a comment\n"
      "host a,b u1 10.0.0.0/8 reject\r\n"
      "\t\n"
      "host a all 10.0.0.0/8 md5  # and more\n"
      "host all \"all\" 10.0.0.0/8 trust");
  CHECK(result.messages.empty());
  CHECK(line_for(result, tcp("a", "u1", "10.1.1.1")) == 2);
  CHECK(line_for(result, tcp("b", "u1", "10.1.1.1")) == 2);
  CHECK(line_for(result, tcp("a", "u2", "10.1.1.1")) == 4);
  CHECK(line_for(result, tcp("b", "u2", "10.1.1.1")) == 0);
  CHECK(line_for(result, tcp("b", "all", "10.1.1.1")) == 5);
  CHECK(line_for(result, tcp("a", "u1", "11.1.1.1")) == 0);
}

TEST_CASE("lists may have blanks around their commas, and long ones are searched alike") {
  const std::string rule = "host x,all u1,u2 , u3,\tu4 16.0.0.0/8 md5";
  for (const char* user : {"u1", "u2", "u3", "u4"}) CHECK(lets(rule, tcp("d", user, "16.0.0.1")));
  CHECK(!lets(rule, tcp("d", "u5", "16.0.0.1")));
  std::string users = "user0";
  for (int i = 1; i < 500; ++i) users += fmt::format(",user{}", i);
  CHECK(lets("local all " + users + " md5", local("d", "user499")));
  CHECK(!lets("local all " + users + " md5", local("d", "user500")));
}

TEST_CASE("quoted names are only names") {
  CHECK(lets("local \"q1\"\"q2\" \"a , b\" trust", local("q1\"q2", "a , b")));
  CHECK(lets("local d\" \"e all trust", local("d e", "u")));
  CHECK(lets("local \"a#b\" all trust", local("a#b", "u")));
  for (const char* word : {"all", "sameuser", "samerole", "replication", "+g", "@f"}) {
    const std::string rule = fmt::format("local \"{}\" all trust", word);
    CHECK(lets(rule, local(word, "u")));
    CHECK(!lets(rule, local("d", "d")));
    CHECK(!lets(rule, physical(local("d", "d"))));
    CHECK(lets(fmt::format("local all \"{}\" trust", word), local("d", word)));
  }
  CHECK(!lets("local ALL all trust", local("d", "u")));
}

TEST_CASE("sameuser is for those whose database has their name") {
  CHECK(lets("local sameuser all trust", local("u", "u")));
  CHECK(!lets("local sameuser all trust", local("d", "u")));
  CHECK(lets("local all sameuser trust", local("u", "u")));
  CHECK(!lets("local all sameuser trust", local("d", "u")));
}

TEST_CASE("physical replication needs the keyword, logical the database") {
  const Read result =
      read("local replication r trust\nlocal d,replication s trust\nlocal all t md5");
  CHECK(line_for(result, physical(local("", "r"))) == 1);
  CHECK(line_for(result, physical(local("d", "r"))) == 1);
  CHECK(line_for(result, local("d", "r")) == 0);
  CHECK(line_for(result, local("replication", "r")) == 0);
  CHECK(line_for(result, physical(local("x", "s"))) == 2);
  CHECK(line_for(result, local("d", "s")) == 2);
  CHECK(line_for(result, physical(local("d", "t"))) == 0);
}

TEST_CASE("replication as a user means nobody") {
  const Read result = read("local all replication trust");
  CHECK(result.messages == Messages{"hba:1: replication as a user is a keyword and means nobody; "
                                    "a name has to be quoted"});
  CHECK(line_for(result, local("d", "replication")) == 0);
}

TEST_CASE("groups are asked for only when nothing else decides") {
  HbaFacts facts;
  const std::string rule = "host d,e a,+g,+h 10.0.0.0/8 trust";
  CHECK(lets(rule, tcp("d", "a", "10.0.0.1")));
  CHECK(lets(rule, tcp("d", "g", "10.0.0.1")));
  CHECK(!lets(rule, tcp("x", "u", "10.0.0.1")));
  CHECK(!lets(rule, tcp("d", "u", "11.0.0.1")));
  CHECK(needs(rule, tcp("d", "u", "10.0.0.1")) == HbaNeeds::groups);
  facts.groups.emplace();
  CHECK(!lets(rule, tcp("d", "u", "10.0.0.1"), facts));
  facts.groups->insert("h");
  CHECK(lets(rule, tcp("d", "u", "10.0.0.1"), facts));
}

TEST_CASE("samerole is for members of the role that is named as the database") {
  for (const char* word : {"samerole", "samegroup"}) {
    const std::string rule = fmt::format("local x,{} all trust", word);
    HbaFacts facts;
    CHECK(lets(rule, local("x", "u")));
    CHECK(lets(rule, local("u", "u")));
    CHECK(needs(rule, local("d", "u")) == HbaNeeds::groups);
    facts.groups = {"e"};
    CHECK(!lets(rule, local("d", "u"), facts));
    CHECK(lets(rule, local("e", "u"), facts));
    CHECK(!lets(rule, physical(local("e", "u")), facts));
  }
}

TEST_CASE("regular expressions search names") {
  CHECK(lets("local /^db all trust", local("db1", "u")));
  CHECK(lets("local /b1 all trust", local("db12", "u")));
  CHECK(!lets("local /^b1 all trust", local("db12", "u")));
  CHECK(lets("local \"/^db\\d{2,4}$\" all trust", local("db123", "u")));
  CHECK(!lets("local \"/^db\\d{2,4}$\" all trust", local("db1", "u")));
  CHECK(lets("local all x,/^(a|b)$ trust", local("d", "b")));
  CHECK(!lets("local /re all trust", physical(local("replication", "u"))));
}

TEST_CASE("networks, with a length or a mask") {
  const auto within = [](const std::string& network, const std::string& address) {
    return lets("host all all " + network + " trust", tcp("d", "u", address));
  };
  CHECK(within("10.0.0.0/8", "10.255.255.255"));
  CHECK(!within("10.0.0.0/8", "11.0.0.0"));
  CHECK(within("127.0.0.0  255.255.255.0", "127.0.0.3"));
  CHECK(!within("127.0.0.0  255.255.255.0", "127.0.1.3"));
  CHECK(within("199.199.199.199/32", "199.199.199.199"));
  CHECK(!within("199.199.199.199/32", "199.199.199.198"));
  CHECK(within("128.0.0.0/1", "254.1.1.1"));
  CHECK(!within("128.0.0.0/1", "127.1.1.1"));
  CHECK(within("0.0.0.0/0", "1.2.3.4"));
  CHECK(!within("0.0.0.0/0", "::1"));
  CHECK(!within("::/0", "1.2.3.4"));
  CHECK(within("ff11::/16", "ff11:2::1"));
  CHECK(within("ff20::/12", "ff22:3::1"));
  CHECK(!within("ff20::/12", "ff32:3::1"));
  CHECK(within("::1/128", "::1"));
  CHECK(!within("::1/128", "::2"));
  CHECK(within("fe80:: ffff::", "fe80::1:2"));
  CHECK(within("all", "1.2.3.4"));
  CHECK(within("all", "face::1"));
}

TEST_CASE("an address with bits beyond its mask never matches") {
  const Read result = read("host all all 10.0.0.1/8 trust\nhost all all 1::1 1:: trust");
  CHECK(result.messages ==
        Messages{"hba:1: the address has bits beyond its mask, so the rule never matches "
                 "(allowed: 10.0.0.0)",
                 "hba:2: the address has bits beyond its mask, so the rule never matches "
                 "(allowed: 1::)"});
  CHECK(line_for(result, tcp("d", "u", "10.0.0.1")) == 0);
  CHECK(line_for(result, tcp("d", "u", "1::1")) == 0);
}

TEST_CASE("host names are asked for last, and compared without case") {
  HbaFacts facts;
  const std::string rule = "host d u db.Example.org trust";
  const HbaClient client = tcp("d", "u", "10.0.0.1");
  CHECK(needs(rule, client) == HbaNeeds::host_name);
  CHECK(!lets(rule, tcp("x", "u", "10.0.0.1")));
  CHECK(!lets(rule, tcp("d", "x", "10.0.0.1")));
  const auto named = [&](const std::string& pattern, const std::string& name) {
    facts.host_name = name;
    return lets("host d u " + pattern + " trust", client, facts);
  };
  CHECK(named("db.Example.org", "DB.example.org"));
  CHECK(!named("db.Example.org", "a.db.example.org"));
  CHECK(!named("db.Example.org", "b.example.org"));
  CHECK(!named("db.Example.org", ""));
  CHECK(named(".example.org", "db.EXAMPLE.org"));
  CHECK(named(".example.org", "a.b.example.org"));
  CHECK(!named(".example.org", "example.org"));
  CHECK(!named(".example.org", "badexample.org"));
  CHECK(!named(".example.org", ""));
}

TEST_CASE("samehost and samenet are this machine and its networks") {
  HbaFacts facts;
  facts.local_networks.emplace();
  facts.local_networks->push_back({io::Address::numeric("10.1.2.3", 0).value(),
                                   io::Address::numeric("255.255.0.0", 0).value()});
  facts.local_networks->push_back(
      {io::Address::numeric("fd00::3", 0).value(), io::Address::numeric("ffff::", 0).value()});
  const auto within = [&](const std::string& word, const std::string& address) {
    return lets("host all all " + word + " trust", tcp("d", "u", address), facts);
  };
  CHECK(needs("host all all samehost trust", tcp("d", "u", "1.1.1.1")) == HbaNeeds::local_networks);
  CHECK(within("samehost", "10.1.2.3"));
  CHECK(!within("samehost", "10.1.2.4"));
  CHECK(within("samehost", "fd00::3"));
  CHECK(within("samenet", "10.1.9.9"));
  CHECK(!within("samenet", "10.2.2.3"));
  CHECK(within("samenet", "fd00::9:9"));
  CHECK(!within("samenet", "fd01::3"));
}

TEST_CASE("options of the rule") {
  const Read result = read(
      "hostssl all all all cert map=m clientcert=verify-full\n"
      "hostssl all all all md5 clientcert=verify-ca\n"
      "host all all all ldap ldapserver=\"a b\" ldapbindpasswd=a#b,ldapport=7 # ldaptls=1\n"
      "hostssl all all all pam pamservice=x map=y clientcert=verify-full");
  CHECK(result.messages.empty());
  const auto& rules = result.rules.rules();
  REQUIRE(rules.size() == 4);
  CHECK(rules[0].map == "m");
  CHECK(rules[0].client_cert == ClientCert::verify_full);
  CHECK(rules[1].map.empty());
  CHECK(rules[1].client_cert == ClientCert::verify_ca);
  CHECK(rules[2].client_cert == ClientCert::none);
  CHECK(rules[2].options ==
        Options{{"ldapserver", "a b"}, {"ldapbindpasswd", "a#b"}, {"ldapport", "7"}});
  CHECK(rules[3].options == Options{{"pamservice", "x"}, {"map", "y"}});
  CHECK(rules[3].client_cert == ClientCert::verify_full);
  CHECK(rules[3].file == "hba");
  CHECK(rules[3].line == 4);
}

TEST_CASE("what is wrong with a line, and what is allowed") {
  CHECK(fault_of("hosts all all all trust") == "\"hosts\" is no type of rule" + kTypes);
  CHECK(fault_of(", all all all trust") == "the type is missing" + kTypes);
  CHECK(fault_of("local") == "a database is missing");
  CHECK(fault_of("local a,,b all trust") == "a database is missing");
  CHECK(fault_of("local all") == "a user is missing");
  CHECK(fault_of("local all \"u trust") == "a double quote is not closed");
  CHECK(fault_of("local +g all trust") == "\"+g\" names a group (allowed: samerole)");
  CHECK(fault_of("local all + trust") == "a group is missing (allowed: +NAME)");
  CHECK(fault_of("local all samerole trust") == "samerole is a word for databases");
  CHECK(fault_of("local @none all trust") == "cannot read \"none\": No such file or directory");
  CHECK(fault_of("local /( all trust") == "a parenthesis is not closed in the regular expression");
  CHECK(fault_of("host all all") == "the address is missing" + kAddresses);
  CHECK(fault_of("host all all 10.0.0/8 md5") == "\"10.0.0/8\" is no address" + kAddresses);
  CHECK(fault_of("host all all 300.0.0.1 md5") == "\"300.0.0.1\" is no address" + kAddresses);
  CHECK(fault_of("host all all a.org/8 md5") == "\"a.org/8\" is no address" + kAddresses);
  CHECK(fault_of("host all all 10.0.0.0/33 md5") ==
        "\"/33\" is no length of a network (allowed: /0 to /32)");
  CHECK(fault_of("host all all ::/129 md5") ==
        "\"/129\" is no length of a network (allowed: /0 to /128)");
  CHECK(fault_of("host all all 0.0.0.0/ md5") ==
        "\"/\" is no length of a network (allowed: /0 to /32)");
  CHECK(fault_of("host all all 10.0.0.1") ==
        "the address has no mask (allowed: ADDRESS/BITS, ADDRESS MASK)");
  CHECK(fault_of("host all all 10.0.0.1 md5") ==
        "\"md5\" is no mask of the address (allowed: ADDRESS/BITS, ADDRESS MASK)");
  CHECK(fault_of("host all all ::1 255.0.0.0 md5") ==
        "\"255.0.0.0\" is no mask of the address (allowed: ADDRESS/BITS, ADDRESS MASK)");
  CHECK(fault_of("local all all") == "the method is missing" + kMethods);
  CHECK(fault_of("local all all any") == "\"any\" is no method" + kMethods);
  CHECK(fault_of("host all all all ident") == "\"ident\" is no method" + kMethods);
  CHECK(fault_of("local all all peer m") == "an option is malformed (allowed: NAME=VALUE)");
  CHECK(fault_of("local all all peer , m") == "the option is missing (allowed: NAME=VALUE)");
  CHECK(fault_of("local all all peer map=n") == "map \"n\" is not in the ident file");
  CHECK(fault_of("local all all md5 a=b") == "option \"a\" is unknown (allowed: map, clientcert)");
  CHECK(fault_of("host all all all md5 clientcert=verify-ca") == "clientcert is for hostssl rules");
  CHECK(fault_of("hostssl all all all md5 clientcert=1") ==
        "clientcert cannot be \"1\" (allowed: verify-ca, verify-full)");
  CHECK(fault_of("hostssl all all all cert clientcert=verify-ca") ==
        "clientcert cannot be \"verify-ca\" with the method cert (allowed: verify-full)");
}

TEST_CASE("a message shows no password") {
  const Read result = read("host all all ldap ldapbindpasswd=secret");
  REQUIRE(result.messages.size() == 1);
  CHECK(result.messages[0].find("secret") == std::string::npos);
}

TEST_CASE("rules that let nobody in are kept, with a word") {
  const Read result = read(
      "host all all all peer\nlocal all all cert\nhostnossl all all all cert\nhost all all all "
      "cert");
  CHECK(result.messages ==
        Messages{"hba:1: peer lets nobody in over TCP; it is for local rules",
                 "hba:2: cert lets nobody in without TLS; it is for hostssl rules",
                 "hba:3: cert lets nobody in without TLS; it is for hostssl rules"});
  CHECK(result.rules.rules().size() == 4);
}

TEST_CASE("a bad line that rejects says what its loss means") {
  const Read result = read("host all all 10.0.0.0/99 reject\nhost all all all md5");
  CHECK(result.messages ==
        Messages{"hba:1: \"/99\" is no length of a network (allowed: /0 to /32); the line is "
                 "skipped, so whom it was to reject is up to the lines below it"});
  CHECK(line_for(result, tcp("d", "u", "10.0.0.1")) == 2);
}

TEST_CASE("a backslash joins lines, but not those of a comment") {
  const Read result = read("local \\\r\nall \\\nall trust\n# no more \\\nhost all all all md5\\");
  CHECK(result.messages.empty());
  CHECK(line_for(result, local("d", "u")) == 1);
  CHECK(line_for(result, tcp("d", "u", "1.1.1.1")) == 5);
}

TEST_CASE("lists from files, beside the file that names them") {
  const Read result = read_files({{"hba", "local @sub/dbs @\"sub/the users\" trust"},
                                  {"sub/dbs", "a,b c # comment\n\n\"d e\"\n@more"},
                                  {"sub/more", "sameuser"},
                                  {"sub/the users", "/^x\nu\n+g"}});
  CHECK(result.messages.empty());
  for (const char* name : {"a", "b", "c", "d e", "u"}) CHECK(line_for(result, local(name, "u")));
  CHECK(line_for(result, local("a", "xyz")) == 1);
  CHECK(line_for(result, local("a", "g")) == 1);
  CHECK(line_for(result, local("f", "u")) == 0);
}

TEST_CASE("a list that names itself ends") {
  const Read result = read_files({{"hba", "local @l all trust"}, {"l", "@l"}});
  CHECK(result.messages ==
        Messages{"hba:1: too many files inside each other (allowed: 10); the line is skipped"});
  const Read wide = read_files({{"hba", "local @l all trust"},
                                {"l", "@n @n @n @n @n @n @n @n"},
                                {"n", "@l @l @l @l @l @l @l"}});
  CHECK(wide.messages.size() == 1);
  CHECK(wide.rules.rules().empty());
}

TEST_CASE("included files take the place of their line") {
  const Read result = read_files({{"hba",
                                   "include a\ninclude_if_exists none\ninclude_dir \"d\"\n"
                                   "local all last trust"},
                                  {"a", "local all u reject"},
                                  {"d/2.conf", "local all v md5"},
                                  {"d/1.conf", "bad\nlocal all v trust"},
                                  {"d/.x.conf", "bad"},
                                  {"d/x", "bad"}});
  CHECK(result.messages ==
        Messages{"d/1.conf:1: \"bad\" is no type of rule" + kTypes + "; the line is skipped"});
  const auto& rules = result.rules.rules();
  REQUIRE(rules.size() == 4);
  CHECK(rules[0].file == "a");
  CHECK(rules[1].file == "d/1.conf");
  CHECK(rules[1].line == 2);
  CHECK(rules[2].file == "d/2.conf");
  CHECK(rules[3].file == "hba");
  CHECK(rules[3].line == 4);
}

TEST_CASE("nothing is read after an include that fails") {
  const auto fails = [](const std::string& line, const std::string& fault) {
    const Read result =
        read_files({{"hba", "local all u trust\ninclude b"}, {"b", line + "\nlocal all v trust"}});
    CHECK(result.messages ==
          Messages{"b:1: " + fault + "; this line and all below it are left out"});
    CHECK(result.rules.rules().size() == 1);
  };
  fails("include none", "cannot read \"none\": No such file or directory");
  fails("include_dir none", "cannot read \"none\": No such file or directory");
  fails("include", "include takes one name");
  fails("include a b", "include takes one name");
  const Read loop = read("include hba");
  CHECK(loop.messages == Messages{"hba:1: too many files inside each other (allowed: 10); this "
                                  "line and all below it are left out"});
}

TEST_CASE("bounds of a file") {
  const Read large = read(std::string(kMaxHbaFile + 1, '\n'));
  CHECK(large.messages == Messages{"\"hba\" is too large (allowed: at most 1048576 bytes, 16777216 "
                                   "with all files included)",
                                   "there are no HBA rules: nobody can log in"});
  const Read line = read("local all " + std::string(kMaxHbaLine, 'u') + " trust");
  CHECK(line.messages == Messages{"hba:1: the line is too long (allowed: at most 65536 bytes)"});
  const Read zero = read(std::string("local all u\0 trust", 18));
  CHECK(zero.messages == Messages{"hba:1: there is a zero byte in the line"});
  std::string many;
  for (size_t i = 0; i <= kMaxHbaRules; ++i) many += "local all all trust\n";
  const Read rules = read(many);
  CHECK(rules.rules.rules().size() == kMaxHbaRules);
  CHECK(rules.messages ==
        Messages{"hba:10001: too many rules, the rest is left out (allowed: 10000)"});
  std::string faults;
  for (size_t i = 0; i < 2 * kMaxHbaMessages; ++i) faults += "bad\n";
  const Read bad = read(faults);
  REQUIRE(bad.messages.size() == kMaxHbaMessages + 1);
  CHECK(bad.messages.back() == "hba:201: more is wrong, but not listed");
}

TEST_CASE("without a file nobody gets in") {
  Messages messages;
  const auto rules = load_hba("/nonexistent/hba", IdentMaps(), messages);
  CHECK(rules->rules().empty());
  CHECK(rules->find(local("d", "u"), {}).rule == nullptr);
  CHECK(messages == Messages{"cannot read \"/nonexistent/hba\": No such file or directory",
                             "there are no HBA rules: nobody can log in"});
}

}  // namespace remuda::auth::hba_test
