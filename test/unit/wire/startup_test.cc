#include "remuda/wire/startup.h"

#include "cuts.h"
#include "remuda/wire/builder.h"
#include "support/catch.h"

namespace remuda::wire::startup_test {
namespace {

using test::bytes_of;
using Status = StartupParse::Status;

const char* const kBadLayout = "invalid startup packet layout: expected terminator as last byte";

// A startup packet of protocol 3.0 with this body, its length filled in.
std::string startup_with(ByteView body, uint32_t version = kProtocol3) {
  std::string out;
  MessageBuilder(out).u32(version).bytes(body);
  return out;
}

std::string fault_of(ByteView bytes) {
  const StartupParse parse = parse_startup(bytes);
  return parse.status == Status::malformed ? parse.error : "";
}

template <class Packet>
Packet parsed(ByteView bytes) {
  const StartupParse parse = parse_startup(bytes);
  REQUIRE(parse.status == Status::packet);
  REQUIRE(parse.consumed == bytes.size());
  REQUIRE(std::holds_alternative<Packet>(parse.packet));
  return std::get<Packet>(parse.packet);
}

TEST_CASE("parameters of a startup packet") {
  const auto startup =
      parsed<Startup>(startup_with(bytes_of("user\0bob\0database\0\0user\0eve\0\0")));
  CHECK(startup.major == 3);
  CHECK(startup.minor == 0);
  REQUIRE(startup.parameters.size() == 3);
  CHECK(startup.parameters[0].first == "user");
  CHECK(startup.parameters[0].second == "bob");
  CHECK(*startup.find("user") == "eve");
  CHECK(startup.find("database")->empty());
  CHECK(startup.find("User") == nullptr);
}

TEST_CASE("a startup packet may have no parameters at all") {
  CHECK(parsed<Startup>(startup_with(bytes_of("\0"))).parameters.empty());
}

TEST_CASE("every minor version of protocol 3 is told") {
  CHECK(parsed<Startup>(startup_with(bytes_of("\0"), 0x00030002)).minor == 2);
  CHECK(parsed<Startup>(startup_with(bytes_of("\0"), 0x0003ffff)).minor == 0xffff);
}

TEST_CASE("requests") {
  std::string ssl;
  ssl_request(ssl);
  parsed<SslRequest>(ssl);
  std::string gss;
  gssenc_request(gss);
  parsed<GssencRequest>(gss);
}

TEST_CASE("cancel keys are four bytes or longer, and bounded") {
  const auto cancel = [](size_t size) {
    std::string out;
    cancel_request(out, 0xfffffffe, std::string(size, 'k'));
    return out;
  };
  CHECK(parsed<CancelRequest>(cancel(4)).pid == 0xfffffffe);
  CHECK(parsed<CancelRequest>(cancel(4)).secret == "kkkk");
  CHECK(parsed<CancelRequest>(cancel(256)).secret == std::string(256, 'k'));
  for (const size_t size : {size_t{0}, size_t{3}, size_t{257}}) {
    CHECK(fault_of(cancel(size)).starts_with("bad packet header: '"));
  }
}

TEST_CASE("a packet cut anywhere needs more, and then is the same") {
  std::string ssl;
  ssl_request(ssl);
  std::string cancel;
  cancel_request(cancel, 1, "abcd");
  for (const std::string& bytes :
       {ssl, cancel, startup_with(bytes_of("user\0bob\0application_name\0psql\0\0"))}) {
    for (size_t size = 0; size < bytes.size(); ++size) {
      CHECK(parse_startup(ByteView(bytes).substr(0, size)).status == Status::need_more);
    }
    CHECK(parse_startup(bytes).status == Status::packet);
  }
}

TEST_CASE("what follows a packet is left alone") {
  std::string bytes;
  ssl_request(bytes);
  bytes += startup_with(bytes_of("user\0u\0\0"));
  const StartupParse first = parse_startup(bytes);
  REQUIRE(first.status == Status::packet);
  CHECK(first.consumed == 8);
  CHECK(parsed<Startup>(ByteView(bytes).substr(first.consumed)).find("user") != nullptr);
}

TEST_CASE("C4 27: lengths out of range are refused at the header") {
  CHECK(fault_of(bytes_of("\0\0\0\0")) == "bad packet header: '00000000'");
  CHECK(fault_of(bytes_of("\0\0\0\7\0\3\0\0")) == "bad packet header: '0000000700030000'");
  CHECK(fault_of(bytes_of("\0\1\0\0\0\3\0\0rest")) == "bad packet header: '0001000000030000'");
  CHECK(fault_of(bytes_of("\x7f\xff\xff\xff\0\3\0\0")) == "bad packet header: '7fffffff00030000'");
  CHECK(fault_of(bytes_of("\xff\xff\xff\xff\0\3\0\0")) == "bad packet header: 'ffffffff00030000'");
}

TEST_CASE("C4 27: the longest packet is read, one byte more is not") {
  std::string body = bytes_of("user\0");
  body.resize(kMaxStartupLength - 8 - 2, 'x');
  body += bytes_of("\0\0");
  CHECK(parsed<Startup>(startup_with(body)).find("user")->size() == 65520);
  CHECK(fault_of(startup_with(body + 'x')).starts_with("bad packet header: '00010000"));
}

TEST_CASE("C4 27: many parameters") {
  std::string body;
  for (int i = 0; i < 16000; ++i) body += bytes_of("a\0b\0");
  CHECK(parsed<Startup>(startup_with(body + '\0')).parameters.size() == 16000);
}

TEST_CASE("C4 27: unknown versions and codes") {
  CHECK(fault_of(startup_with(bytes_of("\0"), 0x00020000)) == "old V2 protocol not supported");
  CHECK(fault_of(startup_with(bytes_of("\0"), 0x00040000)) ==
        "bad packet header: '0000000900040000'");
  CHECK(fault_of(startup_with(bytes_of("\0"), 0x00010000)) ==
        "bad packet header: '0000000900010000'");
  CHECK(fault_of(startup_with("", 80877105)) == "bad packet header: '0000000804d21631'");
  CHECK(fault_of("GET / HTTP/1.1\r\n") == "bad packet header: '474554202f204854'");
}

TEST_CASE("C4 27: a version is refused before its body is waited for") {
  CHECK(fault_of(bytes_of("\0\0\1\x28\0\2\0\0")) == "old V2 protocol not supported");
  CHECK(fault_of(bytes_of("\0\0\1\x28\0\x09\0\0")) == "bad packet header: '0000012800090000'");
}

TEST_CASE("C4 27: requests of another length") {
  CHECK(fault_of(startup_with("x", kSslRequestCode)) == "bad packet header: '0000000904d2162f'");
  CHECK(fault_of(startup_with("x", kGssencRequestCode)) == "bad packet header: '0000000904d21630'");
}

TEST_CASE("C4 27: a bad layout") {
  for (const std::string& body :
       {bytes_of(""), bytes_of("user"), bytes_of("user\0"), bytes_of("user\0bob"),
        bytes_of("user\0bob\0"), bytes_of("user\0bob\0\0x"), bytes_of("\0\0"),
        bytes_of("\0user\0bob\0\0"), bytes_of("user\0bob\0x\0")}) {
    CHECK(fault_of(startup_with(body)) == kBadLayout);
  }
}

TEST_CASE("a TLS record is told from a startup packet by its first byte") {
  CHECK(is_tls_hello("\x16\x03\x01"));
  CHECK_FALSE(is_tls_hello(bytes_of("\0\0\0\x08")));
  CHECK_FALSE(is_tls_hello(""));
}

using Settings = std::vector<std::pair<std::string, std::string>>;

TEST_CASE("options in all the forms that are taken") {
  CHECK(split_options("").settings.empty());
  CHECK(split_options("  \t ").error.empty());
  CHECK(split_options("-c a=1 -cb=2\t--c=3 ").settings ==
        Settings{{"a", "1"}, {"b", "2"}, {"c", "3"}});
  CHECK(split_options("-c   work_mem=4MB").settings == Settings{{"work_mem", "4MB"}});
  CHECK(split_options("-c a=b=c -c d=").settings == Settings{{"a", "b=c"}, {"d", ""}});
  CHECK(split_options("--search-path=a-b").settings == Settings{{"search_path", "a-b"}});
}

TEST_CASE("in options a backslash takes the next character as it is") {
  CHECK(split_options(R"(-c search_path=a,\ b -c x=\\\-)").settings ==
        Settings{{"search_path", "a, b"}, {"x", R"(\-)"}});
  CHECK(split_options("-c x=y\\").settings == Settings{{"x", "y\\"}});
}

TEST_CASE("options in any other form are refused as a whole") {
  for (const char* text : {"-d 1", "a=1", "-c", "-c ", "-c a", "-c =1", "--", "--=1", "--a", "-",
                           "-c a=1 b=2", "-c a=1 -x", "\\-c a=1"}) {
    const StartupOptions options = split_options(text);
    CHECK(options.error ==
          "unsupported options startup parameter: only '-c config=val' and '--config=val' are "
          "allowed");
    CHECK(options.settings.empty());
  }
}

TEST_CASE("options of any size") {
  const std::string value(60000, 'v');
  CHECK(split_options("-c a=" + value).settings == Settings{{"a", value}});
}

}  // namespace
}  // namespace remuda::wire::startup_test
