// Clients played by the test: right ones, broken ones, and strangers who want to know who exists.
#include "auth/authenticator.h"

#include <array>
#include <set>

#include "remuda/wire/md5.h"
#include "support/catch.h"
#include "unit/pg/peer.h"
#include "unit/wire/cuts.h"

namespace remuda::auth::authenticator_test {
namespace {

using config::AuthType;
using pg::Peer;
using pg::Received;
using pg::Script;
using test::bytes_of;
using Secret = std::optional<std::string>;

constexpr int kRounds = 16;
const std::string kHash = bytes_of("a\0hash");

// What all logins of a worker share, and one login after the other.
struct Bench {
  Proof run(AuthType method, const Secret& secret, const Script& script,
            const std::string& binding = "", size_t piece = 0) {
    io::SocketPair pair = io::unix_pair();
    io::Stream stream = io::Stream::adopt(loop, std::move(pair.ours));
    Peer peer(loop, std::move(pair.theirs), piece);
    pg::MessageStream messages(stream);
    Candidate candidate;
    candidate.user = user;
    candidate.secret = secret;
    candidate.is_known = secret.has_value();
    candidate.renew = renew;
    candidate.others_use_scram = others_use_scram;
    const AuthContext context{loop, crypto, crypto, cache, process_secret, kRounds, binding};
    return pg::played(loop, peer, authenticate(messages, method, candidate, context), script);
  }

  std::string fault(AuthType method, const Secret& secret, const Script& script,
                    const std::string& binding = "") {
    try {
      run(method, secret, script, binding);
    } catch (const PgError& error) {
      CHECK(error.sqlstate() == SqlState("08P01"));
      return error.what();
    }
    return "";
  }

  std::string user = "ann";
  bool others_use_scram = false;
  std::function<io::Task<Secret>()> renew;
  io::Loop loop;
  io::OffloadLimit crypto{loop, 1};
  ScramCache cache{loop, crypto};
  const std::array<unsigned char, 4> process_secret{1, 2, 3, 4};
};

std::string scram_text(const std::string& password) {
  return wire::format_scram_secret(wire::build_secret(password, "0123456789abcdef", kRounds));
}

std::string md5_text(const std::string& password) {
  return wire::md5_password_hash(password, "ann");
}

std::string password_message(const std::string& password) {
  std::string out;
  wire::password_message(out, password);
  return out;
}

uint32_t kind_of(const Received& request) {
  CHECK(request.type == 'R');
  return request.body.size() < 4 ? ~0u : load_u32(request.body.data());
}

Script plain(const std::string& password) {
  return [=](Peer& client) {
    CHECK(kind_of(client.next()) == 3);
    client.send(password_message(password));
  };
}

Script md5(const std::string& password) {
  return [=](Peer& client) {
    const Received request = client.next();
    CHECK(kind_of(request) == 5);
    REQUIRE(request.body.size() == 8);
    const std::string answer =
        wire::md5_response(wire::parse_secret(password), "ann", request.body.substr(4));
    client.send(password_message(answer));
  };
}

std::string initial_response(std::string_view mechanism, const std::string& data) {
  std::string out;
  wire::sasl_initial_response(out, mechanism, data);
  return out;
}

std::string offer_with(const std::string& mechanisms) {
  return std::string("\0\0\0\n", 4) + mechanisms + '\0';
}

const std::string kPlainOffer = offer_with(bytes_of("SCRAM-SHA-256\0"));
const std::string kPlusOffer = offer_with(bytes_of("SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0"));

struct Scram {
  std::string password;
  std::string binding;  // not empty: choose PLUS
  bool could_bind = false;
  std::string offer = kPlainOffer;
  std::string salt;  // what the server said
  uint32_t iterations = 0;
  bool proved = false;  // the server did

  void play(Peer& client) {
    CHECK(client.next().body == offer);
    wire::ScramClient::Options options;
    options.channel_binding = binding;
    options.could_bind = could_bind;
    wire::ScramClient scram(options);
    const auto mechanism = binding.empty() ? wire::kScramSha256 : wire::kScramSha256Plus;
    client.send(initial_response(mechanism, scram.client_first()));
    const Received challenge = client.next();
    CHECK(kind_of(challenge) == 11);
    REQUIRE(scram.server_first(challenge.body.substr(4)));
    salt = scram.salt();
    iterations = scram.iterations();
    std::string out;
    wire::sasl_response(out, scram.client_final(wire::salted_password(password, salt, iterations)));
    client.send(out);
    if (!expects_success) return;
    const Received proof = client.next();
    CHECK(kind_of(proof) == 12);
    proved = scram.server_final(proof.body.substr(4));
  }
  bool expects_success = true;
};

Scram scram(const std::string& password) {
  Scram exchange;
  exchange.password = password;
  return exchange;
}

Scram wrong_scram() {
  Scram exchange = scram("wrong");
  exchange.expects_success = false;
  return exchange;
}

Script of(Scram& exchange) {
  return [&exchange](Peer& client) { exchange.play(client); };
}

// Sends these messages, one for each request.
Script sends(const std::vector<std::string>& messages) {
  return [=](Peer& client) {
    for (const std::string& message : messages) {
      client.next();
      client.send(message);
    }
  };
}

std::string raw(std::string_view body, char type = 'p') {
  std::string out;
  wire::MessageBuilder(out, type).bytes(body);
  return out;
}

io::Task<Secret> given(Secret secret) {
  co_return secret;
}

const Script kSilent = [](Peer& client) { CHECK(client.is_left_alone()); };

// Whom a stranger may ask about.
std::vector<Secret> somebody_and_nobody() {
  return {std::nullopt, "", "pw", md5_text("pw"), scram_text("pw")};
}

}  // namespace

TEST_CASE("any asks nobody, trust wants a known name") {
  Bench bench;
  CHECK_FALSE(bench.run(AuthType::any, std::nullopt, kSilent).keys);
  CHECK_FALSE(bench.run(AuthType::trust, "", kSilent).keys);
  CHECK(bench.fault(AuthType::trust, std::nullopt, kSilent) == "\"trust\" authentication failed");
}

TEST_CASE("methods without a password of ours are refused here") {
  Bench bench;
  for (const AuthType method : {AuthType::cert, AuthType::hba, AuthType::pam, AuthType::ldap}) {
    CHECK(bench.fault(method, "pw", kSilent) == "bouncer config error");
  }
}

TEST_CASE("plain: every form of secret, and the password is handed on") {
  Bench bench;
  for (const Secret& secret : {Secret("pw"), Secret(md5_text("pw")), Secret(scram_text("pw"))}) {
    const Proof proof = bench.run(AuthType::plain, secret, plain("pw"));
    CHECK(proof.password == "pw");
    CHECK_FALSE(proof.keys);
  }
  for (const Secret& secret : somebody_and_nobody()) {
    CHECK(bench.fault(AuthType::plain, secret, plain("wrong")) == "password authentication failed");
    // The hash itself is no password.
    CHECK(bench.fault(AuthType::plain, secret, plain(md5_text("pw"))) ==
          "password authentication failed");
  }
}

TEST_CASE("md5: plain and md5 secrets; a SCRAM secret makes it SCRAM") {
  Bench bench;
  CHECK(bench.run(AuthType::md5, "pw", md5("pw")).password.empty());
  bench.run(AuthType::md5, md5_text("pw"), md5("pw"));
  Scram exchange = scram("pw");
  CHECK(bench.run(AuthType::md5, scram_text("pw"), of(exchange)).keys);
  CHECK(exchange.proved);
  for (const Secret& secret : {Secret(), Secret(""), Secret("pw"), Secret(md5_text("pw"))}) {
    CHECK(bench.fault(AuthType::md5, secret, md5("wrong")) == "password authentication failed");
    for (const std::string& response :
         {std::string("x"), std::string(35, 'x'), md5_text("pw"), std::string(65530, 'x')}) {
      CHECK(bench.fault(AuthType::md5, secret, sends({password_message(response)})) ==
            "password authentication failed");
    }
  }
}

TEST_CASE("SCRAM: plain and SCRAM secrets") {
  Bench bench;
  Scram exchange = scram("pw");
  const Proof of_plain = bench.run(AuthType::scram_sha_256, "pw", of(exchange));
  CHECK(exchange.proved);
  CHECK_FALSE(of_plain.keys);  // no server has this salt
  CHECK(of_plain.password.empty());

  const Proof proof = bench.run(AuthType::scram_sha_256, scram_text("pw"), of(exchange));
  CHECK(exchange.proved);
  REQUIRE(proof.keys);
  CHECK(proof.keys->salt == "0123456789abcdef");
  CHECK(proof.keys->iterations == kRounds);
  const wire::ScramKeys keys =
      wire::derive_keys(wire::salted_password("pw", "0123456789abcdef", kRounds));
  CHECK(proof.keys->keys.client_key == keys.client_key);
  CHECK(proof.keys->keys.server_key == keys.server_key);
}

TEST_CASE("a plain secret is worked out for SCRAM once") {
  Bench bench;
  Scram exchange = scram("pw");
  for (int i = 0; i < 3; ++i) bench.run(AuthType::scram_sha_256, "pw", of(exchange));
  CHECK(bench.cache.size() == 1);
  Scram changed = scram("new");
  bench.run(AuthType::scram_sha_256, "new", of(changed));
  CHECK(changed.proved);
  CHECK(bench.cache.size() == 1);
}

TEST_CASE("passwords of 1 KB and 64 KB, and such as SASLprep changes") {
  Bench bench;
  for (const size_t size : {1024, 65530}) {
    const std::string password(size, 'p');
    CHECK(bench.run(AuthType::plain, password, plain(password)).password == password);
    bench.run(AuthType::plain, md5_text(password), plain(password));
    bench.run(AuthType::plain, scram_text(password), plain(password));
    bench.run(AuthType::md5, password, md5(password));
    Scram exchange = scram(password);
    bench.run(AuthType::scram_sha_256, password, of(exchange));
    CHECK(exchange.proved);
    CHECK(bench.fault(AuthType::plain, password, plain(password + "x")) ==
          "password authentication failed");
  }
  Scram exchange = scram("IX");
  bench.run(AuthType::scram_sha_256, "\xe2\x85\xa8", of(exchange));
  CHECK(exchange.proved);
  bench.run(AuthType::plain, scram_text("IX"), plain("\xe2\x85\xa8"));
}

TEST_CASE("every method works byte by byte") {
  Bench bench;
  for (const size_t piece : {1, 3}) {
    bench.run(AuthType::plain, "pw", plain("pw"), "", piece);
    bench.run(AuthType::md5, "pw", md5("pw"), "", piece);
    Scram exchange = scram("pw");
    bench.run(AuthType::scram_sha_256, "pw", of(exchange), "", piece);
    CHECK(exchange.proved);
  }
}

TEST_CASE("C4 28: an empty password") {
  Bench bench;
  for (const Secret& secret : {Secret(), Secret(""), Secret("pw")}) {
    for (const AuthType method : {AuthType::plain, AuthType::md5}) {
      CHECK(bench.fault(method, secret, sends({password_message("")})) ==
            "empty password returned by client");
    }
    Scram exchange = scram("");
    exchange.expects_success = false;
    CHECK(bench.fault(AuthType::scram_sha_256, secret, of(exchange)) ==
          "SASL authentication failed");
  }
}

TEST_CASE("password messages that are none") {
  Bench bench;
  for (const AuthType method : {AuthType::plain, AuthType::md5}) {
    for (const std::string& body :
         {std::string(), std::string("pw"), bytes_of("pw\0x"), bytes_of("\0\0")}) {
      CHECK(bench.fault(method, "pw", sends({raw(body)})) == "malformed password message");
    }
    CHECK(bench.fault(method, "pw", sends({raw(bytes_of("pw\0"), 'Q')})) == "unknown pkt");
    CHECK(
        bench.fault(method, "pw", sends({bytes_of("p\0\0\0\0")})).starts_with("bad packet header"));
    CHECK_THROWS_AS(bench.run(method, "pw", sends({raw("", 'X')})), Closed);
  }
}

TEST_CASE("a client that leaves in the middle") {
  Bench bench;
  for (const std::string& bytes : {std::string(), bytes_of("p\0\0"), std::string("p")}) {
    const Script script = [&](Peer& client) {
      client.next();
      client.send(bytes);
      client.close();
    };
    for (const AuthType method : {AuthType::plain, AuthType::md5, AuthType::scram_sha_256}) {
      CHECK_THROWS_AS(bench.run(method, "pw", script), Closed);
    }
  }
}

TEST_CASE("ask_password gives the password to who checks it elsewhere") {
  io::Loop loop;
  io::SocketPair pair = io::unix_pair();
  io::Stream stream = io::Stream::adopt(loop, std::move(pair.ours));
  Peer peer(loop, std::move(pair.theirs), 0);
  pg::MessageStream messages(stream);
  CHECK(pg::played(loop, peer, ask_password(messages), plain("secret")) == "secret");
  CHECK_THROWS_WITH(pg::played(loop, peer, ask_password(messages), plain("")),
                    "empty password returned by client");
}

TEST_CASE("channel binding is offered first, and used by who chooses it") {
  Bench bench;
  for (const Secret& secret : {Secret("pw"), Secret(scram_text("pw"))}) {
    Scram exchange = scram("pw");
    exchange.offer = kPlusOffer;
    exchange.binding = kHash;
    bench.run(AuthType::scram_sha_256, secret, of(exchange), kHash);
    CHECK(exchange.proved);
    // A client without channel binding is as good.
    exchange.binding.clear();
    exchange.proved = false;
    bench.run(AuthType::scram_sha_256, secret, of(exchange), kHash);
    CHECK(exchange.proved);
  }
}

TEST_CASE("downgrade by somebody in between: PLUS cut from our offer is noticed") {
  Bench bench;
  const auto fault = [&](const std::string& binding) {
    return bench.fault(AuthType::scram_sha_256, "pw",
                       sends({initial_response(wire::kScramSha256, "y,,n=,r=abc")}), binding);
  };
  CHECK(fault(kHash) == "SASL authentication failed");
  // Rightly said when there was no offer.
  Scram exchange = scram("pw");
  exchange.could_bind = true;
  bench.run(AuthType::scram_sha_256, "pw", of(exchange));
  CHECK(exchange.proved);
}

TEST_CASE("somebody in between, with another certificate, is noticed") {
  Bench bench;
  Scram exchange = scram("pw");
  exchange.offer = kPlusOffer;
  exchange.binding = "the hash that the client saw";
  exchange.expects_success = false;
  CHECK(bench.fault(AuthType::scram_sha_256, "pw", of(exchange), kHash) ==
        "SASL authentication failed");
}

TEST_CASE("flag and mechanism must fit each other") {
  Bench bench;
  const auto fault = [&](std::string_view mechanism, const std::string& first,
                         const std::string& binding) {
    return bench.fault(AuthType::scram_sha_256, "pw", sends({initial_response(mechanism, first)}),
                       binding);
  };
  const std::string failed = "SASL authentication failed";
  const std::string invalid = "client selected an invalid SASL authentication mechanism";
  const std::string bound = "p=tls-server-end-point,,n=,r=abc";
  CHECK(fault(wire::kScramSha256, bound, kHash) == failed);
  CHECK(fault(wire::kScramSha256, bound, "") == failed);
  CHECK(fault(wire::kScramSha256Plus, "n,,n=,r=abc", kHash) == failed);
  CHECK(fault(wire::kScramSha256Plus, "y,,n=,r=abc", kHash) == failed);
  CHECK(fault(wire::kScramSha256Plus, "p=tls-unique,,n=,r=abc", kHash) == failed);
  CHECK(fault(wire::kScramSha256Plus, bound, "") == invalid);
  for (const char* mechanism : {"", "SCRAM-SHA-1", "scram-sha-256", "OAUTHBEARER"}) {
    CHECK(fault(mechanism, "n,,n=,r=abc", kHash) == invalid);
  }
}

TEST_CASE("malformed SASL messages") {
  Bench bench;
  const auto fault = [&](const std::string& body) {
    return bench.fault(AuthType::scram_sha_256, "pw", sends({raw(body)}));
  };
  for (const std::string& body :
       {std::string(), std::string("SCRAM-SHA-256"), bytes_of("SCRAM-SHA-256\0"),
        bytes_of("SCRAM-SHA-256\0\0\0\0"), bytes_of("SCRAM-SHA-256\0\0\0\0\5abcd"),
        bytes_of("SCRAM-SHA-256\0\0\0\0\3abcd"), bytes_of("SCRAM-SHA-256\0\xff\xff\xff\xff"),
        bytes_of("SCRAM-SHA-256\0\x7f\xff\xff\xffx")}) {
    CHECK(fault(body) == "malformed SASL message");
  }
}

TEST_CASE("C4 28, CVE-2026-6664, -6665, -19888: malformed SCRAM of every kind is told as one") {
  Bench bench;
  const auto first = [&](const std::string& data) {
    return bench.fault(AuthType::scram_sha_256, "pw",
                       sends({initial_response(wire::kScramSha256, data)}));
  };
  const std::string failed = "SASL authentication failed";
  for (const std::string& data :
       {std::string(), std::string("n"), std::string("n,,"), std::string("n,,n="),
        std::string("n,,n=,r="), std::string("x,,n=,r=a"), std::string("n,a=bob,n=,r=a"),
        std::string("n,,m=1,n=,r=a"), std::string("n,,n=,r=a b"), bytes_of("n,,n=,r=a\0"),
        "n,,n=,r=" + std::string(wire::kMaxScramNonce + 1, 'r'),
        "n,,n=,r=" + std::string(100000, 'r')}) {
    CHECK(first(data) == failed);
  }
  const auto last = [&](const std::string& data) {
    return bench.fault(AuthType::scram_sha_256, "pw", [&](Peer& client) {
      client.next();
      client.send(initial_response(wire::kScramSha256, "n,,n=,r=abc"));
      const std::string challenge = client.next().body.substr(4);
      std::string text = data;
      if (const size_t at = text.find("NONCE"); at != text.npos) {
        text.replace(at, 5, challenge.substr(2, challenge.find(',') - 2));
      }
      client.send(raw(text));
    });
  };
  const std::string proof = wire::base64_encode(std::string(32, 'p'));
  for (const std::string& data :
       {std::string(), std::string("c=biws"), std::string("c=biws,r=NONCE"), "c=biws,p=" + proof,
        "c=biws,r=,p=" + proof, "c=biws,r=abc,p=" + proof, "c=biws,r=NONCEx,p=" + proof,
        "c=eSws,r=NONCE,p=" + proof, "c=*,r=NONCE,p=" + proof, "c=biws,r=NONCE,p=" + proof,
        std::string("c=biws,r=NONCE,p="), std::string("c=biws,r=NONCE,p=***"),
        "c=biws,r=NONCE,p=" + proof + "AAAA", "c=biws,r=" + std::string(100000, 'r')}) {
    CHECK(last(data) == failed);
  }
}

TEST_CASE("nobody's exchange looks like somebody's") {
  const std::string failed = "SASL authentication failed";
  for (const std::string& binding : {std::string(), kHash}) {
    for (const Secret& secret : somebody_and_nobody()) {
      Bench bench;
      Scram exchange = wrong_scram();
      exchange.offer = binding.empty() ? kPlainOffer : kPlusOffer;
      exchange.binding = binding;
      CHECK(bench.fault(AuthType::scram_sha_256, secret, of(exchange), binding) == failed);
      CHECK(exchange.salt.size() == wire::kScramSaltSize);
      CHECK(exchange.iterations == kRounds);
    }
  }
  // Not even the right password of an md5 secret gets in.
  Bench bench;
  Scram right = wrong_scram();
  right.password = "pw";
  CHECK(bench.fault(AuthType::scram_sha_256, md5_text("pw"), of(right)) == failed);
}

TEST_CASE("md5 asks nobody for what it asks those who exist") {
  for (const Secret& secret : {Secret(), Secret("")}) {
    Bench bench;
    CHECK(bench.fault(AuthType::md5, secret, md5("pw")) == "password authentication failed");
    bench.others_use_scram = true;
    Scram exchange = wrong_scram();
    CHECK(bench.fault(AuthType::md5, secret, of(exchange)) == "SASL authentication failed");
  }
  Bench bench;
  bench.others_use_scram = true;
  bench.run(AuthType::md5, "pw", md5("pw"));
}

TEST_CASE("a name has one salt, whether it exists without a SCRAM secret, or not") {
  Bench bench;
  std::vector<std::string> salts;
  for (const Secret& secret : {Secret(), Secret(""), Secret("pw"), Secret("changed"), Secret()}) {
    Scram exchange = wrong_scram();
    bench.fault(AuthType::scram_sha_256, secret, of(exchange));
    salts.push_back(exchange.salt);
  }
  CHECK(std::set<std::string>(salts.begin(), salts.end()).size() == 1);
  bench.user = "bob";
  Scram exchange = wrong_scram();
  bench.fault(AuthType::scram_sha_256, std::nullopt, of(exchange));
  CHECK(exchange.salt != salts[0]);
}

TEST_CASE("every refused proof costs one PBKDF2, whoever the user is") {
  Bench bench;
  Scram known = scram("cached");
  bench.run(AuthType::scram_sha_256, "cached", of(known));
  std::vector<Secret> secrets = somebody_and_nobody();
  secrets.emplace_back("cached");
  for (const AuthType method : {AuthType::plain, AuthType::scram_sha_256}) {
    for (const Secret& secret : secrets) {
      // The only place is taken, so that the computation is seen waiting.
      io::finish(bench.loop, bench.crypto.enter());
      Scram exchange = wrong_scram();
      const Script script = [&](Peer& client) {
        method == AuthType::plain ? plain("wrong")(client) : exchange.play(client);
        io::run_until(bench.loop, [&] { return bench.crypto.queued() == 1; });
        CHECK(client.is_left_alone());
        bench.crypto.leave();
      };
      CHECK(bench.fault(method, secret, script).ends_with("authentication failed"));
      CHECK(bench.crypto.queued() == 0);
      CHECK(bench.crypto.running() == 0);
    }
  }
}

TEST_CASE("a secret that may be out of date is asked for once more, after a refusal") {
  int asked = 0;
  Bench bench;
  bench.renew = [&] {
    ++asked;
    return given("new");
  };
  bench.run(AuthType::plain, "old", plain("old"));
  bench.run(AuthType::md5, "old", md5("old"));
  CHECK(asked == 0);
  CHECK(bench.run(AuthType::plain, "old", plain("new")).password == "new");
  bench.run(AuthType::md5, "old", md5("new"));
  CHECK(asked == 2);
  for (const Secret& secret : somebody_and_nobody()) {
    CHECK(bench.fault(AuthType::plain, secret, plain("wrong")) == "password authentication failed");
  }
  CHECK(asked == 7);
  // The challenge had the old one's salt: the new one is for the next try.
  Scram exchange = wrong_scram();
  exchange.password = "new";
  CHECK(bench.fault(AuthType::scram_sha_256, "old", of(exchange)) == "SASL authentication failed");
  CHECK(asked == 8);
}

TEST_CASE("a stranger fills no cache with names") {
  Bench bench;
  for (int i = 0; i < 50; ++i) {
    bench.user = "stranger" + std::to_string(i);
    Scram exchange = wrong_scram();
    bench.fault(AuthType::scram_sha_256, std::nullopt, of(exchange));
  }
  CHECK(bench.cache.size() == 0);
}

TEST_CASE("a stored secret with an absurd count is not computed for a clear-text password") {
  Bench bench;
  const std::string keys = scram_text("pw").substr(scram_text("pw").find('$', 14));
  const std::string secret =
      "SCRAM-SHA-256$2147483647:" + wire::base64_encode("0123456789abcdef") + keys;
  REQUIRE(wire::parse_secret(secret).scram);
  CHECK(bench.fault(AuthType::plain, secret, plain("pw")) == "password authentication failed");
}

}  // namespace remuda::auth::authenticator_test
