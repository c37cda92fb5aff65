// The URL of a REST interface, as settings have it. Pure; any thread.
#pragma once

#include <string_view>

namespace remuda::config {

// What to say of a URL that is none: it is not repeated, as there may be a password in it.
constexpr const char* kRestUrls =
    "http:// or https:// URLs separated by commas; user and password belong into patroni_user and "
    "patroni_password";

// "http://h1:8008", "https://[::1]:8008/patroni": printable ASCII, without user, query and
// fragment.
bool is_rest_url(std::string_view text) noexcept;

}  // namespace remuda::config
