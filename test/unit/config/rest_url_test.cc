#include "config/rest_url.h"

#include <string>

#include "support/catch.h"

namespace remuda::config::rest_url_test {

TEST_CASE("URLs of http and https, with a host and perhaps a port and a path") {
  for (const char* good :
       {"http://h1:8008", "https://h1", "http://10.0.0.1:1/", "https://h-1.net/p", "http://[::1]",
        "http://[fe80::1]:65535/patroni/cluster"}) {
    INFO(good);
    CHECK(is_rest_url(good));
  }
}

TEST_CASE("what is no such URL") {
  for (const char* bad : {"",
                          "h1:8008",
                          "http:",
                          "http://",
                          "http:///cluster",
                          "http://:8008",
                          "ftp://h1",
                          "HTTP://h1",
                          "file:///etc/passwd",
                          "http://h1:",
                          "http://h1:0",
                          "http://h1:65536",
                          "http://h1:80x",
                          "http://h1:-1",
                          "http://bob@h1",
                          "http://bob:secret@h1:8008",
                          "http://h1?a",
                          "http://h1#a",
                          "http://h 1",
                          "http://h1\n",
                          "http://h1\\x",
                          "http://\xc3\xa4",
                          "http://[::1",
                          "http://[]",
                          "http://[::1]x:80",
                          "http://::1"}) {
    INFO(bad);
    CHECK_FALSE(is_rest_url(bad));
  }
  CHECK(is_rest_url("http://" + std::string(1017, 'h')));
  CHECK_FALSE(is_rest_url("http://" + std::string(1018, 'h')));
  CHECK_FALSE(is_rest_url(std::string_view("http://h\0", 9)));
}

}  // namespace remuda::config::rest_url_test
