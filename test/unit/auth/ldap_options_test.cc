#include "auth/ldap_options.h"

#include "support/catch.h"

namespace remuda::auth::ldap_options_test {
namespace {

LdapOptions good(const std::string& text) {
  std::vector<std::string> faults;
  const auto options = parse_ldap_options(text, faults);
  INFO(text << ": " << (faults.empty() ? "" : faults[0]));
  REQUIRE(options);
  REQUIRE(faults.empty());
  return *options;
}

// The only fault of a text.
std::string fault(const std::string& text) {
  std::vector<std::string> faults;
  const auto options = parse_ldap_options(text, faults);
  INFO(text);
  CHECK_FALSE(options);
  REQUIRE(faults.size() == 1);
  return faults[0];
}

const std::string kBind = "ldapserver=h ldapprefix=uid= ";
const std::string kSearch = "ldapserver=h ldapbasedn=\"dc=example,dc=net\" ";

}  // namespace

TEST_CASE("LDAP options: a bind at once") {
  const LdapOptions options =
      good("ldapserver=127.0.0.1 ldapport=1389 ldapprefix=\"uid=\" ldapsuffix=\",dc=example\"");
  CHECK(options.servers == std::vector<std::string>{"127.0.0.1"});
  CHECK(options.port == 1389);
  CHECK(options.prefix == "uid=");
  CHECK(options.suffix == ",dc=example");
  CHECK_FALSE(options.is_search());
  CHECK_FALSE(options.is_ldaps);
  CHECK_FALSE(options.use_start_tls);
  CHECK(good("ldapserver=h ldapsuffix=@example.net").suffix == "@example.net");
}

TEST_CASE("LDAP options: a search first") {
  const LdapOptions options = good(kSearch);
  CHECK(options.is_search());
  CHECK(options.base_dn == "dc=example,dc=net");
  CHECK(options.scope == LdapScope::sub);
  CHECK(options.port == 389);
  CHECK(ldap_filter(options, "bob") == "(uid=bob)");
  CHECK(ldap_filter(good(kSearch + "ldapsearchattribute=cn"), "bob") == "(cn=bob)");
  CHECK(ldap_filter(good(kSearch + "ldapsearchfilter=\"(|(uid=$username)(mail=$username))\""),
                    "bob") == "(|(uid=bob)(mail=bob))");
  CHECK(ldap_filter(good(kSearch + "ldapsearchfilter=uid=$username"), "$username") ==
        "uid=$username");

  const LdapOptions searcher = good(kSearch + "ldapbinddn=\"cn=a b\" ldapbindpasswd=\"x \"\" y\"");
  CHECK(searcher.bind_dn == "cn=a b");
  CHECK(searcher.bind_password == "x \" y");
  CHECK(good(kSearch + "ldapbinddn=cn=a ldapbindpasswdfile=/run/secret").bind_password_file ==
        "/run/secret");
}

TEST_CASE("LDAP options: words may be quoted as PgBouncer and PostgreSQL have them") {
  const LdapOptions options = good(kSearch + "ldapsearchattribute=uid");
  CHECK(good("ldapserver=h, ldapbasedn=\"dc=example,dc=net\" ,ldapsearchattribute=uid\n") ==
        options);
  CHECK(good("\"ldapserver\"=h \"ldapbasedn\"=dc=example\",\"dc=net ldapsearchattribute=\"uid\"") ==
        options);
  CHECK(good("\"ldapbasedn=dc=example,dc=net\"\tldapserver=h\r\nldapsearchattribute=uid") ==
        options);
  const std::vector<LdapWord> words{
      {"ldapserver", "h"}, {"ldapbasedn", "dc=example,dc=net"}, {"ldapsearchattribute", "uid"}};
  std::vector<std::string> faults;
  CHECK(parse_ldap_options(words, faults) == options);
  CHECK(faults.empty());
}

TEST_CASE("LDAP options: several servers, and TLS") {
  CHECK(good("ldapserver=\"a.example  b.example ::1\" ldapprefix=x").servers ==
        std::vector<std::string>{"a.example", "b.example", "::1"});
  const LdapOptions ldaps = good(kBind + "ldapscheme=ldaps");
  CHECK(ldaps.is_ldaps);
  CHECK(ldaps.port == 636);
  CHECK(good(kBind + "ldapscheme=ldaps ldapport=1636").port == 1636);
  CHECK(good(kBind + "ldaptls=1").use_start_tls);
  CHECK_FALSE(good(kBind + "ldapscheme=ldap ldaptls=0").use_start_tls);
}

TEST_CASE("LDAP options: the last of equal words counts") {
  CHECK(good(kBind + "ldapport=1 ldapport=2").port == 2);
}

TEST_CASE("LDAP options: a URL stands for the words of a search") {
  const LdapOptions options = good(
      "ldapurl=\"ldaps://h:1636/dc=example,dc=net??one?(mail=$username)\" "
      "ldapbinddn=cn=a ldapbindpasswd=b");
  CHECK(options.is_ldaps);
  CHECK(options.servers == std::vector<std::string>{"h"});
  CHECK(options.port == 1636);
  CHECK(options.base_dn == "dc=example,dc=net");
  CHECK(options.scope == LdapScope::one);
  CHECK(ldap_filter(options, "bob") == "(mail=bob)");
  CHECK(options.bind_dn == "cn=a");
  CHECK(ldap_filter(good("ldapurl=\"ldap://h/dc=net?cn,sn\""), "bob") == "(cn=bob)");
}

TEST_CASE("LDAP options: what a URL leaves out") {
  const LdapOptions brief = good("ldapurl=ldap://h/dc=net");
  CHECK(brief.port == 389);
  CHECK(brief.scope == LdapScope::base);
  CHECK(ldap_filter(brief, "bob") == "(uid=bob)");
  CHECK(good("ldapurl=ldaps://h/dc=net??sub").port == 636);
  CHECK(good("ldapurl=ldap://h/dc=net??sub").scope == LdapScope::sub);
  // Without a host DNS is asked; an empty base is the whole directory.
  CHECK(good("ldapurl=\"ldap:///dc=example,dc=net??sub\"").servers.empty());
  CHECK(good("ldapurl=ldap://h:3268/?sAMAccountName?sub").base_dn == "");
  CHECK_FALSE(good("ldapurl=ldap://h ldapprefix=uid=").is_search());
}

TEST_CASE("LDAP options: every fault names the word and what is allowed") {
  CHECK(fault(kBind + "ldapport=0") == "ldapport \"0\" is not a port (allowed: 1 to 65535)");
  CHECK(fault(kBind + "ldapport=389x") == "ldapport \"389x\" is not a port (allowed: 1 to 65535)");
  CHECK(fault(kBind + "ldapport=65536") ==
        "ldapport \"65536\" is not a port (allowed: 1 to 65535)");
  CHECK(fault(kBind + "ldapscheme=ldapi") ==
        "ldapscheme \"ldapi\" is not valid (allowed: ldap, ldaps)");
  CHECK(fault(kBind + "ldaptls=on") == "ldaptls \"on\" is not valid (allowed: 0, 1)");
  CHECK(fault("ldapprefix=x ldapserver=h:389") ==
        "ldapserver \"h:389\" is not valid (allowed: host names and addresses, without port)");
  CHECK(fault("ldapprefix=x ldapserver=h/x") ==
        "ldapserver \"h/x\" is not valid (allowed: host names and addresses, without port)");
  CHECK(fault("ldapprefix=x ldapserver=\"\"") ==
        "ldapserver has 0 servers (allowed: 1 to 16, separated by blanks)");
  CHECK(fault(kSearch + "ldapsearchattribute=\"uid)(\"") ==
        "ldapsearchattribute \"uid)(\" is not valid (allowed: the name of an attribute, such as "
        "uid)");
  CHECK(fault(kSearch + "ldapsearchfilter=(uid=bob)") ==
        "ldapsearchfilter does not contain $username, which stands for the user's name");
}

TEST_CASE("LDAP options: words that are none") {
  CHECK(
      fault(kBind + "ldapprot=389")
          .find(
              "LDAP word \"ldapprot\" is unknown, did you mean ldapport? (allowed: ldapserver, ") ==
      0);
  CHECK(fault(kBind + "\"ldapport=389") == "LDAP word 3: a double quote is not closed");
  CHECK(fault(kBind + "ldapport=1 389") ==
        "LDAP word 4 is not name=value (quote values that contain blanks)");
  CHECK(fault(std::string(8193, ' ')) == "LDAP options are longer than 8192 bytes");
  std::string many;
  for (int i = 0; i < 65; ++i) many += "ldapport=1 ";
  CHECK(fault(many) == "there are 65 LDAP words (allowed: 64)");
}

TEST_CASE("LDAP options: no part of an unquoted password gets into a fault") {
  for (const char* text : {"ldapbindpasswd=first second", "ldapbindpasswd=first second=third",
                           "ldapbindpasswd=first \"second", "ldapbindpasswd=\"first\" =second"}) {
    std::vector<std::string> faults;
    CHECK_FALSE(parse_ldap_options(kSearch + "ldapbinddn=a " + text, faults));
    REQUIRE_FALSE(faults.empty());
    for (const std::string& one : faults) {
      CHECK(one.find("first") == one.npos);
      CHECK(one.find("second") == one.npos);
    }
  }
}

TEST_CASE("LDAP options: what does not fit together") {
  CHECK(fault(kBind + "ldapbasedn=dc=net").find("ldapbasedn is for searching and") == 0);
  CHECK(fault(kBind + "ldapurl=ldap://h/dc=net").find("ldapbasedn is for searching and") == 0);
  CHECK(fault(kBind + "ldapsearchattribute=uid").find("ldapsearchattribute is for") == 0);
  CHECK(fault("ldapserver=h") == "ldapbasedn, or one of ldapprefix and ldapsuffix, is needed");
  CHECK(fault("") == "ldapbasedn, or one of ldapprefix and ldapsuffix, is needed");
  CHECK(fault("ldapprefix=x") == "ldapserver is needed to bind");
  CHECK(fault("ldapbasedn=\"\"") == "ldapserver is needed, or an ldapbasedn that names a domain");
  CHECK(fault(kSearch + "ldapsearchattribute=uid ldapsearchfilter=$username") ==
        "ldapsearchattribute and ldapsearchfilter: only one of both is possible");
  CHECK(fault("ldapurl=ldap://h/dc=net?uid?sub?uid=$username") ==
        "ldapsearchattribute and ldapsearchfilter: only one of both is possible");
  CHECK(fault(kBind + "ldapscheme=ldaps ldaptls=1") ==
        "ldaptls=1 is for ldap: with ldaps there is TLS already");
  CHECK(fault(kSearch + "ldapbinddn=cn=a") ==
        "ldapbinddn needs ldapbindpasswd or ldapbindpasswdfile");
  CHECK(fault(kSearch + "ldapbindpasswd=a") ==
        "ldapbindpasswd and ldapbindpasswdfile need ldapbinddn");
  CHECK(fault(kSearch + "ldapbinddn=a ldapbindpasswd=a ldapbindpasswdfile=b") ==
        "ldapbindpasswd and ldapbindpasswdfile: only one of both is possible");
}

TEST_CASE("LDAP options: all faults are told") {
  std::vector<std::string> faults;
  CHECK_FALSE(parse_ldap_options("ldapport=0 ldaptls=2 ldapscheme=x", faults));
  CHECK(faults.size() == 3);
}

TEST_CASE("LDAP options: names that could be more than a name are refused") {
  for (const char* name : {"bob", "bob@example.net", "b-o_b.1",
                           "b\xc3\xb6"
                           "b",
                           "a b"}) {
    CHECK(is_ldap_filter_name(name));
    CHECK(is_ldap_dn_name(name));
  }
  for (const char* name : {"*", "b*", "a)(uid=*", "(b", "b)", "a\\2a", "a/b", "", " b", "b "})
    CHECK_FALSE(is_ldap_filter_name(name));
  for (const char* name : {"a,dc=x", "a+cn=b", "\"a\"", "a\\", "<a", "a>", "a;b", "cn=a", "#6162",
                           "a/b", "", " b", "b "})
    CHECK_FALSE(is_ldap_dn_name(name));
  CHECK_FALSE(is_ldap_filter_name(std::string_view("a\0b", 3)));
  CHECK_FALSE(is_ldap_dn_name(std::string_view("a\0b", 3)));
}

}  // namespace remuda::auth::ldap_options_test
