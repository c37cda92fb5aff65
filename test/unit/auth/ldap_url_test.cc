#include "auth/ldap_url.h"

#include "support/catch.h"

namespace remuda::auth::ldap_url_test {
namespace {

LdapUrl good(const std::string& text) {
  LdapUrl url;
  std::string fault;
  INFO(text);
  REQUIRE(parse_ldap_url(text, url, fault));
  return url;
}

std::string fault_of(const std::string& text) {
  LdapUrl url;
  std::string fault;
  INFO(text);
  REQUIRE_FALSE(parse_ldap_url(text, url, fault));
  return fault;
}

const std::string kForm =
    "ldapurl is not valid (allowed: ldap[s]://host:port/basedn?attribute?scope?filter)";

}  // namespace

TEST_CASE("an LDAP URL has up to seven parts") {
  const LdapUrl url = good("LDAPS://h:1636/dc=example,dc=net?uid,cn?SUB?(uid=$username)");
  CHECK(url.scheme == "ldaps");
  CHECK(url.host == "h");
  CHECK(url.port == "1636");
  CHECK(url.base_dn == "dc=example,dc=net");
  CHECK(url.attribute == "uid");
  CHECK(url.scope == "sub");
  CHECK(url.filter == "(uid=$username)");
}

TEST_CASE("parts of an LDAP URL may be missing") {
  CHECK_FALSE(good("ldap://h").base_dn);
  CHECK(good("ldap://h/").base_dn == "");
  CHECK(good("ldap:///dc=net").host == "");
  CHECK(good("ldap://h:1/").port == "1");
  const LdapUrl url = good("ldap://h/dc=net??sub?(|(a=b)(c=d))");
  CHECK(url.attribute == "");
  CHECK(url.scope == "sub");
  CHECK(url.filter == "(|(a=b)(c=d))");
  CHECK(good("ldap://h?uid").attribute == "uid");
}

TEST_CASE("an LDAP URL has IPv6 addresses in brackets") {
  CHECK(good("ldap://[::1]/").host == "::1");
  CHECK(good("ldap://[::1]:1389/").port == "1389");
  for (const char* text : {"ldap://[::1/", "ldap://[::1]x/", "ldap://[::1]:/"})
    CHECK(fault_of(text) == kForm);
}

TEST_CASE("an LDAP URL may be escaped") {
  CHECK(good("ldap://h/o=a%20b%3Fc").base_dn == "o=a b?c");
  for (const char* text : {"ldap://h/%", "ldap://h/%2", "ldap://h/%zz", "ldap://h/%00",
                           "ldap://h/a?b?c?%1g", "ldap://h/%-1"})
    CHECK(fault_of(text) == "ldapurl: % stands before two hexadecimal digits that are not 00");
}

TEST_CASE("what is no LDAP URL, or too much") {
  for (const char* text : {"", "h", "ldap:h", "http://h/", "ldapi://%2frun/", "ldap://h:/"})
    CHECK(fault_of(text) == kForm);
  CHECK(fault_of("ldap://h/a?b?c?d?bindname=x") == "ldapurl: extensions are not supported");
}

}  // namespace remuda::auth::ldap_url_test
