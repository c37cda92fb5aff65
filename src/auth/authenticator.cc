#include "auth/authenticator.h"

#include "remuda/base/log.h"
#include "remuda/wire/builder.h"
#include "remuda/wire/md5.h"
#include "remuda/wire/reader.h"
#include "remuda/wire/scram.h"
#include "remuda/wire/secret.h"

namespace remuda::auth {
namespace {

using config::AuthType;

[[noreturn]] void fail(const char* text) { throw PgError(text); }

ByteView bytes_of(std::span<const unsigned char> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

io::Task<wire::Message> next_password(pg::MessageStream& client) {
  const wire::Message message = co_await client.next();
  if (message.type == 'X') throw Closed("client close request");
  if (message.type != 'p') fail("unknown pkt");
  co_return message;
}

io::Task<std::string> read_password(pg::MessageStream& client) {
  const wire::Message message = co_await next_password(client);
  wire::Reader reader(message.body);
  std::string password(reader.cstring());
  if (!reader.ok() || !reader.done()) fail("malformed password message");
  if (password.empty()) fail("empty password returned by client");
  co_return password;
}

io::Task<void> check_plain(pg::MessageStream& client, const Candidate& candidate,
                           AuthContext& context) {
  std::string out;
  wire::authentication_cleartext(out);
  client.send(out);
  std::string password = co_await read_password(client);
  const wire::Secret secret = wire::parse_secret(candidate.secret ? *candidate.secret : "");
  // A SCRAM secret costs milliseconds to check.
  auto work = [&] { return wire::verify_password(secret, candidate.user, password); };
  const bool right = co_await io::offload(context.loop, work, &context.crypto);
  wire::wipe(password);
  if (!right || !candidate.secret) fail("password authentication failed");
}

io::Task<void> check_md5(pg::MessageStream& client, const Candidate& candidate) {
  const std::string salt = wire::random_bytes(wire::kMd5SaltSize);
  std::string out;
  wire::authentication_md5(out, salt);
  client.send(out);
  const std::string response = co_await read_password(client);
  const wire::Secret secret = wire::parse_secret(candidate.secret ? *candidate.secret : "");
  const bool right = wire::verify_md5_response(secret, candidate.user, salt, response);
  if (!right || !candidate.secret || candidate.secret->empty()) {
    fail("password authentication failed");
  }
}

// SASLInitialResponse: the mechanism, the length of the data, the data.
std::string read_initial_response(ByteView body) {
  wire::Reader reader(body);
  const ByteView mechanism = reader.cstring();
  const uint32_t length = reader.u32();
  const ByteView data = reader.rest();
  if (!reader.ok() || length != data.size()) fail("malformed SASL message");
  if (mechanism != wire::kScramSha256) {
    fail("client selected an invalid SASL authentication mechanism");
  }
  return std::string(data);
}

[[noreturn]] void fail_scram(const wire::ScramServer& scram) {
  log::debug("SCRAM exchange failed: {}", scram.fault());
  fail("SASL authentication failed");
}

io::Task<wire::Digest> exchange_scram(pg::MessageStream& client, wire::ScramServer& scram) {
  std::string out;
  wire::authentication_sasl(out, std::span(&wire::kScramSha256, 1));
  client.send(out);
  const wire::Message initial = co_await next_password(client);
  const std::string first = read_initial_response(initial.body);
  if (scram.step(first) != wire::ScramServer::Status::go_on) fail_scram(scram);
  out.clear();
  wire::authentication_sasl_continue(out, scram.reply());
  client.send(out);
  const wire::Message response = co_await next_password(client);
  if (scram.step(response.body) != wire::ScramServer::Status::done) fail_scram(scram);
  out.clear();
  wire::authentication_sasl_final(out, scram.reply());
  client.send(out);
  co_return scram.client_key();
}

io::Task<std::optional<pg::ProvenKeys>> check_scram(pg::MessageStream& client,
                                                    const Candidate& candidate,
                                                    AuthContext& context) {
  const auto iterations = static_cast<uint32_t>(context.scram_iterations);
  const wire::Secret stored = wire::parse_secret(candidate.secret ? *candidate.secret : "");
  const bool is_mock =
      !candidate.secret || candidate.secret->empty() || stored.kind == wire::SecretKind::md5;
  wire::ScramSecret secret;
  if (is_mock) {
    secret = wire::ScramServer::mock_secret(bytes_of(context.process_secret), candidate.user,
                                            iterations);
  } else if (stored.scram) {
    secret = *stored.scram;
  } else {
    std::string user = candidate.user;
    std::string password = stored.text;
    const wire::ScramSecret made = co_await context.scram_cache.secret(user, password, iterations);
    secret = made;
  }
  wire::ScramServer::Options options;
  options.mock = is_mock;
  wire::ScramServer scram(secret, options);
  pg::ProvenKeys proven;
  const wire::Digest client_key = co_await exchange_scram(client, scram);
  proven.keys.client_key = client_key;
  if (!stored.scram) co_return std::nullopt;
  proven.keys.server_key = secret.server_key;
  proven.salt = secret.salt;
  proven.iterations = secret.iterations;
  co_return proven;
}

bool stores_scram(const Candidate& candidate) {
  return candidate.secret && wire::parse_secret(*candidate.secret).kind == wire::SecretKind::scram;
}

}  // namespace

io::Task<std::optional<pg::ProvenKeys>> authenticate(pg::MessageStream& client, AuthType method,
                                                     Candidate candidate, AuthContext context) {
  if (method == AuthType::any) co_return std::nullopt;
  if (method == AuthType::trust) {
    if (!candidate.is_known) fail("\"trust\" authentication failed");
    co_return std::nullopt;
  }
  if (method == AuthType::plain) {
    co_await check_plain(client, candidate, context);
    co_return std::nullopt;
  }
  if (method == AuthType::scram_sha_256 || (method == AuthType::md5 && stores_scram(candidate))) {
    co_return co_await check_scram(client, candidate, context);
  }
  if (method == AuthType::md5) {
    co_await check_md5(client, candidate);
    co_return std::nullopt;
  }
  log::error("auth_type {} does not act yet: refusing the login", config::to_text(method));
  fail("bouncer config error");
}

}  // namespace remuda::auth
