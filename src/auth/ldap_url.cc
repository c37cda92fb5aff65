#include "auth/ldap_url.h"

#include <algorithm>
#include <charconv>

#include "remuda/base/text.h"

namespace remuda::auth {
namespace {

constexpr const char* kForm =
    "ldapurl is not valid (allowed: ldap[s]://host:port/basedn?attribute?scope?filter)";

bool unescape(std::string_view text, std::string& out) {
  out.clear();
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (text.size() - i < 3) return false;
    const char* digits = text.data() + i + 1;
    unsigned char byte = 0;
    const auto [stop, error] = std::from_chars(digits, digits + 2, byte, 16);
    if (error != std::errc() || stop != digits + 2 || byte == 0) return false;
    out += static_cast<char>(byte);
    i += 2;
  }
  return true;
}

// Takes text up to `end` off the front, and `end` too; all of it when there is none.
std::string_view take_until(std::string_view& text, char end) {
  const size_t at = std::min(text.find(end), text.size());
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return part;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), to_lower);
  return out;
}

// host, host:port or [address]:port.
bool take_place(std::string_view place, LdapUrl& url) {
  if (place.empty()) return true;
  if (place[0] == '[') {
    const size_t end = place.find(']');
    if (end == place.npos) return false;
    url.host = place.substr(1, end - 1);
    place.remove_prefix(end + 1);
  } else {
    url.host = place.substr(0, place.find(':'));
    place.remove_prefix(url.host.size());
  }
  if (place.empty()) return true;
  url.port = place.substr(1);
  return place[0] == ':' && !url.port.empty();
}

}  // namespace

bool parse_ldap_url(std::string_view text, LdapUrl& url, std::string& fault) {
  const size_t colon = text.find("://");
  url.scheme = lower(text.substr(0, std::min(colon, text.size())));
  fault = kForm;
  if (colon == text.npos || (url.scheme != "ldap" && url.scheme != "ldaps")) return false;
  text.remove_prefix(colon + 3);
  const size_t path = std::min(text.find_first_of("/?"), text.size());
  if (!take_place(text.substr(0, path), url)) return false;
  if (path == text.size()) return true;
  text.remove_prefix(path + (text[path] == '/' ? 1 : 0));
  std::string attributes;
  for (std::string* part : {&url.base_dn.emplace(), &attributes, &url.scope, &url.filter}) {
    if (unescape(take_until(text, '?'), *part)) continue;
    fault = "ldapurl: % stands before two hexadecimal digits that are not 00";
    return false;
  }
  url.attribute = attributes.substr(0, attributes.find(','));
  url.scope = lower(url.scope);
  fault = "ldapurl: extensions are not supported";
  return text.empty();
}

}  // namespace remuda::auth
