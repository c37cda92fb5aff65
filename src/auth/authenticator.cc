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

[[noreturn]] void fail(const char* text) {
  throw PgError(text);
}

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
  const wire::WipeAtEnd wiped(password);
  if (!reader.done()) fail("malformed password message");
  if (password.empty()) fail("empty password returned by client");
  co_return password;
}

// What a stored secret is worth: none, and an empty one, let nobody in.
bool is_usable(const Candidate& candidate) {
  return candidate.secret && !candidate.secret->empty();
}

wire::Secret stored_secret(const Candidate& candidate) {
  return wire::parse_secret(candidate.secret ? *candidate.secret : "");
}

// A refusal takes the time of one PBKDF2, so that its delay tells nothing of how the secret is
// stored, nor whether there is one. Not cached: a stranger could fill a cache with names.
io::Task<void> spend_refusal(const AuthContext& context, ByteView password) {
  const auto iterations = static_cast<uint32_t>(context.scram_iterations);
  const std::string salt(wire::kScramSaltSize, '\0');
  auto work = [&] { return wire::build_secret(password, salt, iterations); };
  co_await io::offload(context.loop, work, &context.refusals);
}

// After a refusal: whether there is another secret by now, which may fit.
io::Task<bool> renew(Candidate& candidate) {
  if (!candidate.renew) co_return false;
  const auto ask = std::exchange(candidate.renew, nullptr);
  std::optional<std::string> secret = co_await ask();
  if (!secret || secret == candidate.secret) co_return false;
  if (candidate.secret) wire::wipe(*candidate.secret);
  candidate.secret = std::move(secret);
  co_return true;
}

// Whether the password is right. Runs PBKDF2 if the secret needs it, or if it is not.
io::Task<bool> check_clear_text(const Candidate& candidate, const AuthContext& context,
                                const std::string& password) {
  const wire::Secret secret = stored_secret(candidate);
  bool is_right = false;
  if (secret.scram && secret.scram->iterations <= wire::kMaxScramIterations) {
    auto work = [&] { return wire::verify_password(secret, candidate.user, password); };
    const bool fits = co_await io::offload(context.loop, work, &context.crypto);
    is_right = fits;
  } else {
    is_right = wire::verify_password(secret, candidate.user, password) && is_usable(candidate);
    if (!is_right) co_await spend_refusal(context, password);
  }
  co_return is_right;
}

io::Task<Proof> check_plain(pg::MessageStream& client, Candidate& candidate,
                            const AuthContext& context) {
  Proof proof;
  std::string password = co_await ask_password(client);
  const wire::WipeAtEnd wiped(password);
  bool is_right = co_await check_clear_text(candidate, context, password);
  if (!is_right) {
    const bool is_renewed = co_await renew(candidate);
    if (is_renewed) {
      const bool fits = co_await check_clear_text(candidate, context, password);
      is_right = fits;
    }
  }
  if (!is_right) fail("password authentication failed");
  proof.password = password;
  co_return proof;
}

// Nobody's secret takes as long to check as somebody's.
bool fits_md5(const Candidate& candidate, const std::string& salt, const std::string& response) {
  const bool has_secret = is_usable(candidate);
  const wire::Secret secret =
      has_secret ? stored_secret(candidate) : wire::parse_secret("nobody's");
  return wire::verify_md5_response(secret, candidate.user, salt, response) && has_secret;
}

io::Task<void> check_md5(pg::MessageStream& client, Candidate& candidate) {
  const std::string salt = wire::random_bytes(wire::kMd5SaltSize);
  std::string out;
  wire::authentication_md5(out, salt);
  client.send(out);
  const std::string response = co_await read_password(client);
  bool is_right = fits_md5(candidate, salt, response);
  if (!is_right) {
    const bool is_renewed = co_await renew(candidate);
    is_right = is_renewed && fits_md5(candidate, salt, response);
  }
  if (!is_right) fail("password authentication failed");
}

bool offers_binding(const AuthContext& context) {
  return !context.channel_binding.empty();
}

void offer_scram(pg::MessageStream& client, const AuthContext& context) {
  constexpr std::string_view kOffer[] = {wire::kScramSha256Plus, wire::kScramSha256};
  const std::span<const std::string_view> all(kOffer);
  std::string out;
  wire::authentication_sasl(out, offers_binding(context) ? all : all.subspan(1));
  client.send(out);
}

struct InitialResponse {
  bool is_plus = false;
  std::string data;
};

// SASLInitialResponse: the mechanism, the length of the data, the data.
InitialResponse read_initial_response(ByteView body, const AuthContext& context) {
  wire::Reader reader(body);
  const ByteView mechanism = reader.cstring();
  const uint32_t length = reader.u32();
  const ByteView data = reader.rest();
  if (!reader.ok() || length != data.size()) fail("malformed SASL message");
  const bool is_plus = mechanism == wire::kScramSha256Plus && offers_binding(context);
  if (!is_plus && mechanism != wire::kScramSha256) {
    fail("client selected an invalid SASL authentication mechanism");
  }
  return {is_plus, std::string(data)};
}

[[noreturn]] void fail_scram(const wire::ScramServer& scram) {
  log::debug("SCRAM exchange failed: {}", scram.fault());
  fail("SASL authentication failed");
}

// Whom the exchange checks, and with what.
struct ScramTarget {
  bool is_mock = false;   // nobody, or a secret that SCRAM cannot use
  bool is_plain = false;  // the keys are still to be made, from this:
  std::string password;
  wire::ScramSecret secret;  // of a plain one only salt and count

  ~ScramTarget() { wire::wipe(password); }
};

ScramTarget scram_target(const Candidate& candidate, const AuthContext& context) {
  const wire::Secret stored = stored_secret(candidate);
  ScramTarget target;
  if (stored.scram) {
    target.secret = *stored.scram;
    return target;
  }
  target.is_mock = !is_usable(candidate) || stored.kind == wire::SecretKind::md5;
  target.is_plain = !target.is_mock;
  if (target.is_plain) target.password = stored.text;
  // The salt of a plain secret is made like that of no secret, or it would tell one from the other.
  target.secret = wire::ScramServer::mock_secret(bytes_of(context.process_secret), candidate.user,
                                                 static_cast<uint32_t>(context.scram_iterations));
  return target;
}

// The client's last message. PBKDF2 runs here and not before the challenge, so that nothing can be
// learnt without a proof. A newer secret has another salt, so it is good for the next try only.
io::Task<void> check_proof(wire::ScramServer& scram, const ScramTarget& target,
                           Candidate& candidate, const AuthContext& context, std::string message) {
  bool has_spent = false;
  if (target.is_plain) {
    const std::string& salt = target.secret.salt;
    const ScramCache::Made made = co_await context.scram_cache.secret(
        candidate.user, target.password, salt, target.secret.iterations);
    scram.set_keys(made.secret);
    has_spent = made.is_new;
  }
  if (scram.step(message) == wire::ScramServer::Status::done) co_return;
  if (!has_spent) co_await spend_refusal(context, "");
  co_await renew(candidate);
  fail_scram(scram);
}

// Ends with the client having read our own proof.
io::Task<void> exchange_scram(pg::MessageStream& client, wire::ScramServer& scram,
                              const ScramTarget& target, Candidate& candidate,
                              const AuthContext& context, std::string first) {
  if (scram.step(first) != wire::ScramServer::Status::go_on) fail_scram(scram);
  std::string out;
  wire::authentication_sasl_continue(out, scram.reply());
  client.send(out);
  const wire::Message response = co_await next_password(client);
  std::string final_message(response.body);
  co_await check_proof(scram, target, candidate, context, final_message);
  out.clear();
  wire::authentication_sasl_final(out, scram.reply());
  client.send(out);
}

io::Task<Proof> check_scram(pg::MessageStream& client, Candidate& candidate,
                            const AuthContext& context) {
  offer_scram(client, context);
  const wire::Message message = co_await next_password(client);
  const InitialResponse initial = read_initial_response(message.body, context);
  const ScramTarget target = scram_target(candidate, context);
  wire::ScramServer::Options options;
  options.channel_binding = context.channel_binding;
  options.plus = initial.is_plus;
  options.mock = target.is_mock;
  wire::ScramServer scram(target.secret, options);
  co_await exchange_scram(client, scram, target, candidate, context, initial.data);
  Proof proof;
  // Keys made from a plain secret have a salt of ours, which no server shares.
  if (target.is_plain) co_return proof;
  proof.keys.emplace();
  proof.keys->keys.client_key = scram.client_key();
  proof.keys->keys.server_key = target.secret.server_key;
  proof.keys->salt = target.secret.salt;
  proof.keys->iterations = target.secret.iterations;
  co_return proof;
}

bool stores_scram(const Candidate& candidate) {
  return stored_secret(candidate).kind == wire::SecretKind::scram;
}

}  // namespace

io::Task<std::string> ask_password(pg::MessageStream& client) {
  std::string out;
  wire::authentication_cleartext(out);
  client.send(out);
  co_return co_await read_password(client);
}

io::Task<Proof> authenticate(pg::MessageStream& client, AuthType method, Candidate candidate,
                             AuthContext context) {
  Proof proof;
  if (method == AuthType::any) co_return proof;
  if (method == AuthType::trust) {
    if (!candidate.is_known) fail("\"trust\" authentication failed");
    co_return proof;
  }
  if (method == AuthType::plain) co_return co_await check_plain(client, candidate, context);
  const bool is_like_scram =
      is_usable(candidate) ? stores_scram(candidate) : candidate.others_use_scram;
  if (method == AuthType::scram_sha_256 || (method == AuthType::md5 && is_like_scram)) {
    co_return co_await check_scram(client, candidate, context);
  }
  if (method == AuthType::md5) {
    co_await check_md5(client, candidate);
    co_return proof;
  }
  log::error("auth_type {} is no password method: refusing the login", config::to_text(method));
  fail("bouncer config error");
}

}  // namespace remuda::auth
