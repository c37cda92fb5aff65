// Logins to a server played by the test: right ones, broken ones and hostile ones.
#include "pg/login.h"

#include "remuda/wire/md5.h"
#include "support/catch.h"
#include "unit/pg/peer.h"
#include "unit/wire/cuts.h"

namespace remuda::pg::login_test {
namespace {

using test::bytes_of;
using Status = wire::ScramServer::Status;
using Mechanisms = std::vector<std::string_view>;

const std::string kSalt = "0123456789abcdef";
constexpr uint32_t kRounds = 16;
const Mechanisms kPlainOnly{wire::kScramSha256};

// The loop, the cache and both ends of one connection.
struct Bench {
  explicit Bench(size_t piece = 0)
      : stream(io::Stream::adopt(loop, std::move(pair.ours))),
        peer(loop, std::move(pair.theirs), piece) {}

  LoginResult run(const LoginRequest& request, const Script& script) {
    return played(loop, peer, log_in(stream, request, cache), script);
  }

  io::Loop loop;
  io::OffloadLimit crypto{loop, 2};
  KeyCache cache{loop, crypto};
  io::SocketPair pair = io::unix_pair();
  io::Stream stream;
  Peer peer;
};

LoginRequest request_with(const std::string& secret) {
  LoginRequest request;
  request.user = "ann";
  request.startup = {{"user", "ann"}, {"database", "shop"}};
  request.secret = wire::parse_secret(secret);
  return request;
}

LoginResult logged_in(const LoginRequest& request, const Script& script, size_t piece = 0) {
  Bench bench(piece);
  return bench.run(request, script);
}

// What the log and the client read, without what all such texts begin with.
std::string fault_of(const LoginRequest& request, const Script& script) {
  const std::string start = "server login failed: ";
  try {
    logged_in(request, script);
  } catch (const ServerRefusal&) {
    FAIL("the server did not refuse");
  } catch (const PgError& error) {
    CHECK(error.sqlstate() == SqlState("08P01"));
    const std::string text = error.what();
    return text.starts_with(start) ? text.substr(start.size()) : text;
  }
  return "";
}

std::string ready() {
  std::string out;
  wire::parameter_status(out, "server_version", "17.1");
  wire::backend_key_data(out, 4711, "4key");
  wire::ready_for_query(out, 'I');
  return out;
}

std::string authentication(uint32_t kind, std::string_view data = "") {
  std::string out;
  wire::MessageBuilder(out, 'R').u32(kind).bytes(data);
  return out;
}

std::string ok() {
  return authentication(0);
}

std::string offer(const Mechanisms& mechanisms) {
  std::string out;
  wire::authentication_sasl(out, mechanisms);
  return out;
}

std::string error(std::string_view fields) {
  std::string out;
  wire::MessageBuilder(out, 'E').bytes(fields);
  return out;
}

// Asks, checks that the answer is this password message, and lets in.
Script asks(const std::string& challenge, const std::string& answer) {
  return [=](Peer& peer) {
    peer.startup();
    peer.send(challenge);
    const Received received = peer.next();
    CHECK(received.type == 'p');
    CHECK((received.body == answer + '\0'));
    peer.send(ok() + ready());
  };
}

Script says(const std::string& bytes) {
  return [=](Peer& peer) {
    peer.startup();
    peer.send(bytes);
  };
}

struct Initial {
  std::string mechanism;
  std::string data;
};

Initial initial_response(Peer& peer) {
  const Received received = peer.next();
  REQUIRE(received.type == 'p');
  const size_t end = received.body.find('\0');
  REQUIRE(end + 5 <= received.body.size());
  CHECK(load_u32(received.body.data() + end + 1) == received.body.size() - end - 5);
  return {received.body.substr(0, end), received.body.substr(end + 5)};
}

wire::ScramSecret stored(const std::string& password) {
  return wire::build_secret(password, kSalt, kRounds);
}

// A real server's side of SCRAM. Returns the mechanism and the flag that the client chose.
std::string serve_scram(Peer& peer, const wire::ScramSecret& secret, const Mechanisms& mechanisms,
                        const std::string& binding = "") {
  peer.startup();
  peer.send(offer(mechanisms));
  const Initial initial = initial_response(peer);
  wire::ScramServer::Options options;
  options.plus = initial.mechanism == wire::kScramSha256Plus;
  options.channel_binding = binding;
  wire::ScramServer scram(secret, options);
  std::string out;
  REQUIRE(scram.step(initial.data) == Status::go_on);
  wire::authentication_sasl_continue(out, scram.reply());
  peer.send(out);
  const Received answer = peer.next();
  if (scram.step(answer.body) != Status::done) {
    peer.send(error(bytes_of("SFATAL\0C28P01\0Mpassword authentication failed\0\0")));
    return scram.fault();
  }
  out.clear();
  wire::authentication_sasl_final(out, scram.reply());
  peer.send(out + ok() + ready());
  return initial.mechanism + ' ' + initial.data.substr(0, initial.data.find(','));
}

Script scram(const std::string& password, const Mechanisms& mechanisms = kPlainOnly) {
  return [=](Peer& peer) { serve_scram(peer, stored(password), mechanisms); };
}

std::string chosen(const Mechanisms& mechanisms, const std::string& ours,
                   const std::string& theirs) {
  LoginRequest request = request_with("pw");
  request.channel_binding = ours;
  std::string choice;
  logged_in(request,
            [&](Peer& peer) { choice = serve_scram(peer, stored("pw"), mechanisms, theirs); });
  return choice;
}

// A server that answers the first SCRAM message with this, and then says more.
Script challenges(const std::string& server_first, const std::string& more = "") {
  return [=](Peer& peer) {
    peer.startup();
    peer.send(offer(kPlainOnly));
    const std::string nonce = initial_response(peer).data.substr(8);
    std::string text = server_first;
    if (const size_t at = text.find("NONCE"); at != text.npos) text.replace(at, 5, nonce);
    peer.send(authentication(11, text) + more);
  };
}

}  // namespace

TEST_CASE("a server that trusts us") {
  const LoginResult result = logged_in(request_with(""), [](Peer& peer) {
    CHECK(peer.startup() == bytes_of("\0\3\0\0user\0ann\0database\0shop\0\0"));
    peer.send(ok() + ready());
  });
  CHECK(result.parameters == std::vector<wire::Parameter>{{"server_version", "17.1"}});
  CHECK(result.pid == 4711);
  CHECK(result.cancel_secret == "4key");
}

TEST_CASE("what is stored answers a server that wants clear text") {
  const std::string scram_text = wire::format_scram_secret(stored("pw"));
  const std::string md5_text = wire::md5_password_hash("pw", "ann");
  for (const std::string& secret : {std::string(), std::string("pw"), std::string(1024, 'p'),
                                    std::string(65530, 'p'), md5_text, scram_text}) {
    logged_in(request_with(secret), asks(authentication(3), secret));
  }
}

TEST_CASE("what is stored answers a server that wants md5") {
  const std::string challenge = authentication(5, "salt");
  for (const std::string& password : {std::string("pw"), std::string(65530, 'p')}) {
    const std::string answer = wire::md5_response(wire::parse_secret(password), "ann", "salt");
    const std::string hash = wire::md5_password_hash(password, "ann");
    logged_in(request_with(password), asks(challenge, answer));
    logged_in(request_with(hash), asks(challenge, answer));
  }
  CHECK(fault_of(request_with(wire::format_scram_secret(stored("pw"))), says(challenge)) ==
        "wrong password type");
}

TEST_CASE("C4 28: a malformed md5 salt is refused") {
  for (const char* salt : {"", "x", "abc", "abcde", "abcdefgh"}) {
    CHECK(fault_of(request_with("pw"), says(authentication(5, salt))) == "malformed md5 salt");
  }
}

TEST_CASE("a password answers a server that wants SCRAM") {
  for (const std::string& password :
       {std::string("pw"), std::string(1024, 'p'), std::string(65530, 'p')}) {
    CHECK(logged_in(request_with(password), scram(password)).pid == 4711);
  }
  // Both mean the same to SASLprep, so PostgreSQL stores the same.
  CHECK(logged_in(request_with("\xe2\x85\xa8"), scram("IX")).pid == 4711);
}

TEST_CASE("a secret that is no password cannot answer a server that wants SCRAM") {
  CHECK(fault_of(request_with(wire::md5_password_hash("pw", "ann")),
                 challenges("r=NONCEx,s=c2FsdA==,i=1")) == "wrong password type");
  CHECK(fault_of(request_with(wire::format_scram_secret(stored("pw"))),
                 challenges("r=NONCEx,s=c2FsdA==,i=1")) == "wrong password type");
  CHECK(fault_of(request_with(""), says(offer(kPlainOnly))) ==
        "no password for this user is known");
}

TEST_CASE("SCRAM pass-through: the keys of a proven client log in, with the same salt and count") {
  LoginRequest request = request_with(wire::format_scram_secret(stored("pw")));
  ProvenKeys proven;
  proven.keys = wire::derive_keys(wire::salted_password("pw", kSalt, kRounds));
  proven.salt = kSalt;
  proven.iterations = kRounds;
  request.proven = proven;
  CHECK(logged_in(request, scram("pw")).pid == 4711);
  request.secret = wire::parse_secret("");
  CHECK(logged_in(request, scram("pw")).pid == 4711);
  for (const std::string& secret : {std::string(), wire::format_scram_secret(stored("pw"))}) {
    request.secret = wire::parse_secret(secret);
    request.proven->salt = "another salt";
    CHECK(fault_of(request, challenges("r=NONCEx,s=MDEyMzQ1Njc4OWFiY2RlZg==,i=16")) ==
          "wrong password type");
    request.proven->salt = kSalt;
    CHECK(fault_of(request, challenges("r=NONCEx,s=MDEyMzQ1Njc4OWFiY2RlZg==,i=17")) ==
          "wrong password type");
  }
}

TEST_CASE("keys made from a password are kept for the next login") {
  Bench first;
  for (int i = 0; i < 2; ++i) {
    io::SocketPair pair = io::unix_pair();
    io::Stream stream = io::Stream::adopt(first.loop, std::move(pair.ours));
    Peer peer(first.loop, std::move(pair.theirs), 0);
    auto task = log_in(stream, request_with("pw"), first.cache);
    played(first.loop, peer, std::move(task), scram("pw"));
    CHECK(first.cache.size() == 1);
  }
}

TEST_CASE("C4 28: PLUS is chosen whenever both sides have it, wherever it stands in the list") {
  const auto plain = wire::kScramSha256;
  const auto plus = wire::kScramSha256Plus;
  const std::string hash = bytes_of("a\0hash");
  const std::string bound = "SCRAM-SHA-256-PLUS p=tls-server-end-point";
  CHECK(chosen({plus, plain}, hash, hash) == bound);
  CHECK(chosen({plain, plus}, hash, hash) == bound);
  CHECK(chosen({plus}, hash, hash) == bound);
  CHECK(chosen({"OAUTHBEARER", plain, "X", plus, "Y"}, hash, hash) == bound);
  // Without TLS, or with a certificate that has no hash, we say so.
  CHECK(chosen({plus, plain}, "", hash) == "SCRAM-SHA-256 n");
  CHECK(chosen({plain}, "", "") == "SCRAM-SHA-256 n");
}

TEST_CASE("a server that does not offer PLUS is told that we have it") {
  CHECK(chosen({wire::kScramSha256}, "hash", "") == "SCRAM-SHA-256 y");
}

TEST_CASE("downgrade to a server: PLUS cut from its offer is noticed by it") {
  LoginRequest request = request_with("pw");
  request.channel_binding = "hash";
  const Script script = [](Peer& peer) {
    peer.startup();
    peer.send(offer(kPlainOnly));
    wire::ScramServer::Options options;
    options.channel_binding = "hash";
    wire::ScramServer server(stored("pw"), options);
    CHECK(server.step(initial_response(peer).data) == Status::failed);
    CHECK(server.fault() == "SCRAM channel binding negotiation error");
    peer.send(error(bytes_of("C28000\0Mno\0\0")));
  };
  CHECK_THROWS_AS(logged_in(request, script), ServerRefusal);
}

TEST_CASE("somebody in between, with another certificate, is noticed by the server") {
  LoginRequest request = request_with("pw");
  request.channel_binding = "the certificate of somebody else";
  const Script script = [](Peer& peer) {
    const Mechanisms both{wire::kScramSha256Plus, wire::kScramSha256};
    CHECK(serve_scram(peer, stored("pw"), both, "its own") == "SCRAM channel binding check failed");
  };
  CHECK_THROWS_AS(logged_in(request, script), ServerRefusal);
}

TEST_CASE("mechanisms that we do not have, and malformed lists of them") {
  const std::string none = "none of the server's SASL authentication mechanisms are supported";
  CHECK(fault_of(request_with("pw"), says(offer({}))) == none);
  CHECK(fault_of(request_with("pw"), says(offer({"OAUTHBEARER", "scram-sha-256"}))) == none);
  CHECK(fault_of(request_with("pw"), says(offer({wire::kScramSha256Plus}))) == none);
  CHECK(fault_of(request_with("pw"), says(offer({"", wire::kScramSha256}))) == none);
  CHECK(fault_of(request_with("pw"), says(authentication(10))) == none);
  CHECK(fault_of(request_with("pw"), says(authentication(10, "SCRAM-SHA-256"))) == none);
}

TEST_CASE("methods that we do not have") {
  for (const uint32_t kind : {2u, 6u, 7u, 8u, 9u, 99u, 0xffffffffu}) {
    CHECK(fault_of(request_with("pw"), says(authentication(kind))) ==
          "unsupported authentication method " + std::to_string(kind));
  }
}

TEST_CASE("every login works byte by byte") {
  for (const size_t piece : {1, 3}) {
    logged_in(request_with("pw"), asks(authentication(3), "pw"), piece);
    logged_in(request_with("pw"),
              asks(authentication(5, "salt"),
                   wire::md5_response(wire::parse_secret("pw"), "ann", "salt")),
              piece);
    CHECK(logged_in(request_with("pw"), scram("pw"), piece).cancel_secret == "4key");
  }
}

TEST_CASE("a server that skips its own proof is not believed") {
  const std::string fault = "unexpected SASL message";
  const std::string first = "r=NONCEx,s=c2FsdA==,i=1";
  CHECK(fault_of(request_with("pw"), says(offer(kPlainOnly) + ok() + ready())) == fault);
  CHECK(fault_of(request_with("pw"), challenges(first, ok() + ready())) == fault);
  CHECK(fault_of(request_with("pw"), challenges(first, ready())) == fault);
  CHECK(fault_of(request_with("pw"), says(offer(kPlainOnly) + authentication(12, "v=AAAA"))) ==
        fault);
  CHECK(fault_of(request_with("pw"), challenges(first, authentication(11, "r=x"))) == fault);
  CHECK(fault_of(request_with("pw"), challenges(first, authentication(3))) == fault);
}

TEST_CASE("a server whose proof is wrong is not believed") {
  const std::string first = "r=NONCEx,s=c2FsdA==,i=1";
  for (const std::string& last :
       {std::string(), std::string("v="), "v=" + wire::base64_encode(std::string(32, 'x')),
        std::string("v=***"), std::string("e=other-error"), std::string("x=1"),
        std::string(9000, 'v')}) {
    CHECK(fault_of(request_with("pw"), challenges(first, authentication(12, last) + ok())) ==
          "invalid server signature");
  }
}

TEST_CASE("C4 28: hostile challenges") {
  const auto fault = [](const std::string& first) {
    return fault_of(request_with("pw"), challenges(first));
  };
  CHECK(fault("r=NONCEx,s=c2FsdA==,i=0") == "malformed SCRAM message: bad iteration count");
  CHECK(fault("r=NONCEx,s=c2FsdA==,i=1000000000") == "SCRAM iteration count is too large");
  CHECK(fault("r=NONCEx,s=c2FsdA==,i=99999999999") ==
        "malformed SCRAM message: bad iteration count");
  CHECK(fault("r=NONCEx,s=*,i=1") == "malformed SCRAM message: bad salt");
  CHECK(fault("r=NONCEx,s=,i=1") == "malformed SCRAM message: bad salt");
  CHECK(fault("r=NONCE,s=c2FsdA==,i=1") == "invalid SCRAM challenge: nonce does not match");
  CHECK(fault("r=x,s=c2FsdA==,i=1") == "invalid SCRAM challenge: nonce does not match");
  CHECK(fault("s=c2FsdA==,i=1") == "malformed SCRAM message: bad server-first-message");
  CHECK(fault("") == "malformed SCRAM message: bad server-first-message");
  CHECK(fault("r=NONCE" + std::string(wire::kMaxScramNonce, 'n') + ",s=c2FsdA==,i=1") ==
        "malformed SCRAM message: bad nonce");
  CHECK(fault("r=NONCEx,s=c2FsdA==,i=1,x=" + std::string(100000, 'x')) ==
        "malformed SCRAM message: too long, or with a zero byte");
}

TEST_CASE("a server gets one answer, whatever else it asks for") {
  const std::string fault = "unexpected authentication request";
  for (const std::string& again : {authentication(3), authentication(5, "salt"), offer(kPlainOnly),
                                   authentication(11, "r=x")}) {
    const Script script = [&](Peer& peer) {
      peer.startup();
      peer.send(authentication(5, "salt"));
      peer.next();
      peer.send(again);
      CHECK(peer.is_left_alone());
    };
    CHECK(fault_of(request_with("pw"), script) == fault);
  }
}

TEST_CASE("C4 29: notices are stepped over, but not for ever") {
  std::string notice;
  wire::notice_response(notice, "patience");
  const Script few = [&](Peer& peer) {
    peer.startup();
    peer.send(notice + ok() + notice + ready());
  };
  CHECK(logged_in(request_with("pw"), few).pid == 4711);
  std::string flood;
  for (int i = 0; i <= 1000; ++i) flood += notice;
  CHECK(fault_of(request_with("pw"), says(flood)) == "too many messages");
  CHECK(fault_of(request_with("pw"), says(ok() + flood)) == "too many messages");
}

TEST_CASE("parameters have a greatest number and size") {
  const auto with = [](int count, size_t size) {
    std::string out = ok();
    for (int i = 0; i < count; ++i) {
      wire::parameter_status(out, "p" + std::to_string(i), std::string(size, 'v'));
    }
    return out + ready();
  };
  CHECK(logged_in(request_with(""), says(with(100, 1))).parameters.size() == 101);
  CHECK(fault_of(request_with(""), says(with(201, 1))) == "too many parameters");
  CHECK(fault_of(request_with(""), says(with(3, 100000))) == "too many parameters");
}

TEST_CASE("protocol 3.2 is asked for where it is wanted, and 3.0 taken for an answer") {
  LoginRequest request = request_with("");
  request.version = wire::kProtocol32;
  std::string asked;
  const auto negotiated = [&asked](uint32_t version, uint32_t refused, const std::string& tail) {
    return [=, &asked](Peer& peer) {
      asked = peer.startup();
      std::string out;
      wire::MessageBuilder(out, 'v').u32(version).u32(refused).bytes(tail);
      peer.send(out + ok() + ready());
    };
  };
  CHECK(logged_in(request, negotiated(wire::kProtocol3, 0, "")).cancel_secret == "4key");
  CHECK(load_u32(asked.data()) == wire::kProtocol32);
  for (const uint32_t version : {0x00020000u, 0x00030002u, 0x00030003u}) {
    CHECK(fault_of(request, negotiated(version, 0, "")) == "bad protocol negotiation");
  }
  // What we did not ask for cannot be refused.
  CHECK(fault_of(request, negotiated(wire::kProtocol3, 1, "_pq_.x")) == "bad protocol negotiation");
  CHECK(fault_of(request, negotiated(wire::kProtocol3, 0, "x")) == "bad protocol negotiation");
}

TEST_CASE("messages that do not belong into a login") {
  const auto message = [](char type, std::string_view body) {
    std::string out;
    wire::MessageBuilder(out, type).bytes(body);
    return out;
  };
  // NegotiateProtocolVersion among them: with 3.0 we ask for nothing that could be negotiated.
  const std::string negotiate = message('v', bytes_of("\0\3\0\0\0\0\0\0"));
  for (const std::string& bytes :
       {negotiate, message('D', ""), message('T', bytes_of("\0\0")), message('R', "abc"),
        message('R', ""), message('S', bytes_of("a\0b\0")), message('Z', "I")}) {
    CHECK(fault_of(request_with("pw"), says(bytes)) == "unexpected message");
  }
  CHECK(fault_of(request_with("pw"), says(ok() + negotiate)) == "unexpected message");
  CHECK(fault_of(request_with("pw"), says(ok() + ok())) == "unexpected message");
  CHECK(fault_of(request_with("pw"), says(ok() + message('S', "no end"))) ==
        "malformed ParameterStatus");
  for (const size_t size : {0, 3, 4, 7, 300}) {
    CHECK(fault_of(request_with("pw"), says(ok() + message('K', std::string(size, 'k')))) ==
          "bad cancel key");
  }
  CHECK(fault_of(request_with("pw"), says(ok() + ready() + "x")) == "bytes behind ReadyForQuery");
}

TEST_CASE("a server that is stopped right behind its login is lost, and refuses nobody") {
  const std::string stopped = error(bytes_of("SFATAL\0C57P01\0Mterminating connection\0\0"));
  CHECK_THROWS_AS(logged_in(request_with("pw"), says(ok() + ready() + stopped)), Closed);
}

TEST_CASE("malformed lengths") {
  for (const std::string& bytes :
       {bytes_of("R\0\0\0\0"), bytes_of("R\0\0\0\3"), bytes_of("R\x7f\xff\xff\xff"),
        bytes_of("E\xff\xff\xff\xff"), bytes_of("R\0\2\0\0")}) {
    CHECK(fault_of(request_with("pw"), says(bytes)).starts_with("bad packet header"));
  }
}

TEST_CASE("a server that refuses is quoted") {
  try {
    logged_in(request_with("pw"), says(error(bytes_of("SFATAL\0C53300\0Mtoo many\0\0"))));
    FAIL("nothing was thrown");
  } catch (const ServerRefusal& refusal) {
    CHECK(refusal.sqlstate() == SqlState("53300"));
    CHECK(std::string(refusal.what()) == "too many");
  }
}

TEST_CASE("C4 29, CVE-2026-6666: an error without SQLSTATE, text or end") {
  const auto text_of = [](const std::string& bytes) -> std::string {
    try {
      logged_in(request_with("pw"), says(bytes));
    } catch (const ServerRefusal& refusal) {
      CHECK(refusal.sqlstate() == SqlState("XX000"));
      return refusal.what();
    }
    return "nothing was thrown";
  };
  const std::string no_reason = "server login failed: the server gave no reason";
  CHECK(text_of(error(bytes_of("SFATAL\0Mgo away\0\0"))) == "go away");
  CHECK(text_of(error(bytes_of("C123\0Mgo away\0\0"))) == "go away");
  CHECK(text_of(error(bytes_of("Mgo away\0"))) == "go away");
  CHECK(text_of(error("Mgo away")) == no_reason);
  CHECK(text_of(error("")) == no_reason);
  CHECK(text_of(error(bytes_of("\0"))) == no_reason);
  CHECK(text_of(ok() + error(bytes_of("Mlate\0\0"))) == "late");
  CHECK(text_of(offer(kPlainOnly) + error(bytes_of("Mmiddle\0\0"))) == "middle");
  CHECK(text_of(error("M" + std::string(100000, 'm') + '\0')) == std::string(8192, 'm'));
}

TEST_CASE("a server that leaves in the middle") {
  for (const std::string& bytes :
       {std::string(), ok(), offer(kPlainOnly), authentication(3), bytes_of("R\0\0")}) {
    const Script script = [&](Peer& peer) {
      peer.startup();
      peer.send(bytes);
      peer.close();
    };
    CHECK_THROWS_AS(logged_in(request_with("pw"), script), Closed);
  }
}

}  // namespace remuda::pg::login_test
