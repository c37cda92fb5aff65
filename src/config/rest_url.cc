#include "config/rest_url.h"

#include <algorithm>
#include <charconv>

namespace remuda::config {
namespace {

constexpr size_t kLongestUrl = 1024;

bool is_plain(char c) noexcept {
  return c > ' ' && c < '\x7f' &&
         std::string_view("\"#?@\\<>^`{|}").find(c) == std::string_view::npos;
}

bool is_port(std::string_view text) noexcept {
  unsigned port = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, port);
  return error == std::errc() && rest == end && port >= 1 && port <= 65535;
}

}  // namespace

bool is_rest_url(std::string_view text) noexcept {
  if (text.size() > kLongestUrl || !std::all_of(text.begin(), text.end(), is_plain)) return false;
  if (text.starts_with("http://")) {
    text.remove_prefix(7);
  } else if (text.starts_with("https://")) {
    text.remove_prefix(8);
  } else {
    return false;
  }
  const std::string_view place = text.substr(0, text.find('/'));
  // The colons of an IPv6 address are in brackets.
  const size_t behind_host = place.starts_with('[') ? place.find(']') : 0;
  if (behind_host == place.npos) return false;
  const size_t colon = place.find(':', behind_host);
  const std::string_view host = place.substr(0, colon);
  if (host.empty() || host == "[]") return false;
  if (host.starts_with('[') && !host.ends_with(']')) return false;
  return colon == place.npos || is_port(place.substr(colon + 1));
}

}  // namespace remuda::config
