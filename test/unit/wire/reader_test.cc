#include "remuda/wire/reader.h"

#include "cuts.h"
#include "support/catch.h"

namespace remuda::wire::reader_test {
namespace {

using test::bytes_of;

TEST_CASE("fields are read in network order") {
  const std::string body = bytes_of("\x81\xff\xfe\x80\0\0\1name\0xyz");
  Reader reader(body);
  CHECK(reader.u8() == 0x81);
  CHECK(reader.i16() == -2);
  CHECK(reader.u32() == 0x80000001u);
  CHECK(reader.cstring() == "name");
  CHECK(reader.remaining() == 3);
  CHECK_FALSE(reader.done());
  CHECK(reader.bytes(1) == "x");
  CHECK(reader.rest() == "yz");
  CHECK(reader.done());
}

TEST_CASE("signed fields may be negative, unsigned ones never are") {
  const std::string body = bytes_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
  Reader reader(body);
  CHECK(reader.i32() == -1);
  CHECK(reader.u32() == 0xffffffffu);
  CHECK(reader.u16() == 0xffff);
  CHECK(reader.i16() == -1);
  CHECK(reader.done());
}

TEST_CASE("a field that is not there fails, and so does all behind it") {
  const std::string body = bytes_of("\1\2\3");
  Reader reader(body);
  CHECK(reader.u32() == 0);
  CHECK_FALSE(reader.ok());
  CHECK(reader.u8() == 0);
  CHECK(reader.u16() == 0);
  CHECK(reader.cstring().empty());
  CHECK(reader.rest().empty());
  CHECK(reader.remaining() == 0);
  CHECK_FALSE(reader.done());
}

TEST_CASE("each kind of field knows the end") {
  CHECK_FALSE([] {
    Reader r("");
    r.u8();
    return r.ok();
  }());
  CHECK_FALSE([] {
    Reader r("x");
    r.u16();
    return r.ok();
  }());
  CHECK_FALSE([] {
    Reader r("abc");
    r.cstring();
    return r.ok();
  }());
  CHECK_FALSE([] {
    Reader r("abc");
    r.bytes(4);
    return r.ok();
  }());
  CHECK_FALSE([] {
    Reader r("abc");
    r.bytes(SIZE_MAX);
    return r.ok();
  }());
  CHECK([] {
    Reader r("");
    r.rest();
    return r.done();
  }());
  CHECK([] {
    Reader r("abc");
    r.bytes(3);
    return r.done();
  }());
}

}  // namespace
}  // namespace remuda::wire::reader_test
