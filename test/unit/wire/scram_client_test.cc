#include "cuts.h"
#include "remuda/wire/scram.h"
#include "support/catch.h"

namespace remuda::wire::scram_client_test {
namespace {

using test::bytes_of;
using Status = ScramServer::Status;

const std::string kNonce = "fyko+d2lbbFgONRv9qkxdawL";
const std::string kSalt = "W22ZaJ0SNY7soEsUEjb6gQ==";

ScramClient::Options with_nonce() {
  ScramClient::Options options;
  options.nonce = kNonce;
  return options;
}

std::string server_first(const std::string& count) {
  return "r=" + kNonce + "3rfcNHYJY1ZVvWVs7j,s=" + kSalt + ",i=" + count;
}

std::string fault_of_server_first(ByteView message) {
  ScramClient client(with_nonce());
  return client.server_first(message) ? "" : client.fault();
}

// Brings a client to where it waits for the server's signature, and gives the right one.
std::string up_to_final(ScramClient& client, ScramServer& server) {
  REQUIRE(server.step(client.client_first()) == Status::go_on);
  REQUIRE(client.server_first(server.reply()));
  const std::string final_message =
      client.client_final(salted_password("pencil", client.salt(), client.iterations()));
  REQUIRE(server.step(final_message) == Status::done);
  return server.reply();
}

ScramSecret secret() {
  return build_secret("pencil", *base64_decode(kSalt), 16);
}

TEST_CASE("the client's first message leaves the name to the startup packet") {
  CHECK(ScramClient(with_nonce()).client_first() == "n,,n=,r=" + kNonce);
  CHECK(ScramClient().client_first() != ScramClient().client_first());
  CHECK(ScramClient().client_first().size() == 8 + 24);
}

TEST_CASE("client and server agree") {
  ScramServer server(secret());
  ScramClient client;
  const std::string signature = up_to_final(client, server);
  CHECK(client.iterations() == 16);
  CHECK(client.salt() == *base64_decode(kSalt));
  CHECK(client.server_final(signature));
  CHECK(client.fault().empty());
}

TEST_CASE("client and server agree with channel binding") {
  ScramServer::Options offered;
  offered.channel_binding = bytes_of("\0\1 hash");
  offered.plus = true;
  ScramClient::Options chosen;
  chosen.channel_binding = offered.channel_binding;
  ScramServer server(secret(), offered);
  ScramClient client(chosen);
  CHECK(client.server_final(up_to_final(client, server)));
}

TEST_CASE("a client that could have bound the channel says so") {
  ScramClient::Options able = with_nonce();
  able.could_bind = true;
  CHECK(ScramClient(able).client_first() == "y,,n=,r=" + kNonce);
  able.channel_binding = "hash";
  CHECK(ScramClient(able).client_first() == "p=tls-server-end-point,,n=,r=" + kNonce);
  able.channel_binding.clear();
  ScramServer server(secret());
  ScramClient client(able);
  CHECK(client.server_final(up_to_final(client, server)));
  ScramServer::Options offered;
  offered.channel_binding = "hash";
  ScramServer offers(secret(), offered);
  CHECK(offers.step(ScramClient(able).client_first()) == Status::failed);
  CHECK(offers.fault() == "SCRAM channel binding negotiation error");
}

TEST_CASE("another certificate in between breaks channel binding") {
  ScramServer::Options offered;
  offered.channel_binding = "one certificate";
  offered.plus = true;
  ScramClient::Options chosen;
  chosen.channel_binding = "another certificate";
  ScramServer server(secret(), offered);
  ScramClient client(chosen);
  REQUIRE(server.step(client.client_first()) == Status::go_on);
  REQUIRE(client.server_first(server.reply()));
  CHECK(server.step(client.client_final(salted_password("pencil", client.salt(), 16))) ==
        Status::failed);
  CHECK(server.fault() == "SCRAM channel binding check failed");
}

TEST_CASE("a wrong password is refused") {
  ScramServer server(secret());
  ScramClient client;
  REQUIRE(server.step(client.client_first()) == Status::go_on);
  REQUIRE(client.server_first(server.reply()));
  CHECK(server.step(client.client_final(salted_password("pen", client.salt(), 16))) ==
        Status::failed);
}

TEST_CASE("pass-through: what one client proved lets us in with the same secret") {
  ScramServer front(secret());
  ScramClient user;
  up_to_final(user, front);
  const ScramKeys keys{front.client_key(), front.secret().server_key};
  ScramServer backend(secret());
  ScramClient ours;
  REQUIRE(backend.step(ours.client_first()) == Status::go_on);
  REQUIRE(ours.server_first(backend.reply()));
  REQUIRE(backend.step(ours.client_final_with_keys(keys)) == Status::done);
  CHECK(ours.server_final(backend.reply()));
}

TEST_CASE("C4 28: iteration counts") {
  const std::string bad = "malformed SCRAM message: bad iteration count";
  CHECK(fault_of_server_first(server_first("1")).empty());
  CHECK(fault_of_server_first(server_first("1000000")).empty());
  CHECK(fault_of_server_first(server_first("1000001")) == "SCRAM iteration count is too large");
  CHECK(fault_of_server_first(server_first("1000000000")) == "SCRAM iteration count is too large");
  for (const char* count :
       {"0", "", "-1", "+1", " 1", "1 ", "1x", "0x10", "4294967296", "99999999999999999999"}) {
    CHECK(fault_of_server_first(server_first(count)) == bad);
  }
}

TEST_CASE("C4 28: the server's nonce must continue ours") {
  const std::string fault = "invalid SCRAM challenge: nonce does not match";
  const std::string rest = ",s=" + kSalt + ",i=4096";
  CHECK(fault_of_server_first("r=" + kNonce + rest) == fault);
  CHECK(fault_of_server_first("r=" + kNonce.substr(1) + "xx" + rest) == fault);
  CHECK(fault_of_server_first("r=x" + rest) == fault);
  const std::string bad = "malformed SCRAM message: bad nonce";
  CHECK(fault_of_server_first("r=" + rest) == bad);
  CHECK(fault_of_server_first("r=" + kNonce + " " + rest) == bad);
  CHECK(fault_of_server_first("r=" + kNonce + std::string(kMaxScramNonce, 'n') + rest) == bad);
}

TEST_CASE("C4 28: salts") {
  const std::string bad = "malformed SCRAM message: bad salt";
  const auto with_salt = [](const std::string& salt) {
    return fault_of_server_first("r=" + kNonce + "x,s=" + salt + ",i=1");
  };
  CHECK(with_salt(base64_encode(std::string(kMaxScramSalt, 's'))).empty());
  CHECK(with_salt(base64_encode(std::string(kMaxScramSalt + 1, 's'))) == bad);
  for (const char* salt : {"", "A", "AA", "AAA", "A*==", "AB==", "AAAA\n"}) {
    CHECK(with_salt(salt) == bad);
  }
}

TEST_CASE("C4 28: malformed challenges") {
  const std::string bad = "malformed SCRAM message: bad server-first-message";
  const std::string good = server_first("4096");
  for (const std::string& message :
       {std::string(), "r=" + kNonce + "x", "r=" + kNonce + "x,s=" + kSalt,
        "s=" + kSalt + ",r=" + kNonce + "x,i=1", "r=" + kNonce + "x,i=1,s=" + kSalt, good + ",",
        good + ",,", good + ",x", "," + good}) {
    INFO(message);
    CHECK(fault_of_server_first(message) == bad);
  }
  CHECK(fault_of_server_first("m=1," + good) == "SCRAM extension is not supported");
  CHECK(fault_of_server_first(good + ",x=1").empty());
  const std::string long_or_zero = "malformed SCRAM message: too long, or with a zero byte";
  CHECK(fault_of_server_first(good + '\0') == long_or_zero);
  CHECK(fault_of_server_first(good + ",x=" + std::string(kMaxScramMessage, 'x')) == long_or_zero);
}

TEST_CASE("a challenge cut anywhere is either malformed or another count") {
  const std::string message = server_first("4096");
  for (size_t size = 0; size + 4 < message.size(); ++size) {
    CHECK_FALSE(fault_of_server_first(ByteView(message).substr(0, size)).empty());
  }
}

std::string fault_of_server_final(ByteView message) {
  ScramServer server(secret());
  ScramClient client;
  up_to_final(client, server);
  return client.server_final(message) ? "" : client.fault();
}

TEST_CASE("a server that cannot sign is not believed") {
  const std::string wrong = "v=" + base64_encode(std::string(32, 'x'));
  CHECK(fault_of_server_final(wrong) == "invalid server signature");
  CHECK(fault_of_server_final("v=") == "invalid server signature");
  CHECK(fault_of_server_final("v=AAAA") == "invalid server signature");
  CHECK(fault_of_server_final("v=***") == "invalid server signature");
}

TEST_CASE("malformed last words of a server") {
  const std::string bad = "malformed SCRAM message: bad server-final-message";
  for (const char* message : {"", "v", "x=1", "v=AAAA,", ",v=AAAA"}) {
    CHECK(fault_of_server_final(message) == bad);
  }
  CHECK(fault_of_server_final("e=other-error") == "SCRAM server error: other-error");
  CHECK(fault_of_server_final("e=a\nb\x1b[31m\xff") == "SCRAM server error: a?b?[31m?");
  CHECK(fault_of_server_final("e=" + std::string(5000, 'e')) ==
        "SCRAM server error: " + std::string(100, 'e'));
}

TEST_CASE("messages out of turn are refused") {
  ScramClient early(with_nonce());
  CHECK_FALSE(early.server_final("v=AAAA"));
  CHECK(early.fault() == "SCRAM signature out of turn");
  ScramClient twice(with_nonce());
  REQUIRE(twice.server_first(server_first("1")));
  CHECK_FALSE(twice.server_first(server_first("1")));
  CHECK(twice.fault() == "SCRAM challenge out of turn");
}

}  // namespace
}  // namespace remuda::wire::scram_client_test
