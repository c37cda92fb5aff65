#include "pg/login.h"

#include "pg/message_stream.h"
#include "remuda/base/log.h"
#include "remuda/wire/md5.h"
#include "remuda/wire/message.h"
#include "remuda/wire/notice.h"
#include "remuda/wire/reader.h"
#include "remuda/wire/sqlstate.h"
#include "remuda/wire/startup.h"

namespace remuda::pg {
namespace {

namespace authentication = wire::authentication;

constexpr int kMostMessages = 1000;  // of one login, notices included
constexpr size_t kMostParameters = 200;
constexpr size_t kMostParameterBytes = 256 * 1024;
constexpr size_t kLongestRefusal = 8 * 1024;

// A login under way.
struct LoginExchange {
  MessageStream messages;
  const LoginRequest& request;
  KeyCache& cache;
  int received = 0;
};

[[noreturn]] void fail(const std::string& why) {
  throw PgError(wire::sqlstate::kProtocolViolation, "server login failed: " + why);
}

[[noreturn]] void refuse(ByteView body) {
  const wire::ErrorFields fields = wire::parse_error_fields(body);
  std::string text(fields.message.substr(0, kLongestRefusal));
  if (text.empty()) text = "server login failed: the server gave no reason";
  log::warning("server login failed: {} {}", fields.severity, text);
  throw ServerRefusal(fields.sqlstate, text);
}

// Messages of a login in which notices mean nothing to us.
io::Task<wire::Message> next_message(LoginExchange& login) {
  while (true) {
    const wire::Message message = co_await login.messages.next();
    if (++login.received > kMostMessages) fail("too many messages");
    if (message.type == 'E') refuse(message.body);
    if (message.type != 'N') co_return message;
  }
}

// The body of an authentication request of the one kind that may come now. AuthenticationOk does
// not replace the server's own proof.
io::Task<std::string> next_request(LoginExchange& login, uint32_t expected) {
  const wire::Message message = co_await next_message(login);
  wire::Reader reader(message.body);
  const uint32_t kind = reader.u32();
  if (message.type != 'R' || !reader.ok() || kind != expected) fail("unexpected SASL message");
  co_return std::string(reader.rest());
}

struct Mechanism {
  bool is_plus = false;
  bool could_be_plus = false;  // the server did not offer it
};

// PLUS whenever both sides have it, wherever it stands in the list.
Mechanism choose_mechanism(ByteView list, bool has_binding) {
  bool offers_scram = false;
  bool offers_plus = false;
  wire::Reader reader(list);
  for (ByteView name = reader.cstring(); !name.empty(); name = reader.cstring()) {
    offers_scram = offers_scram || name == wire::kScramSha256;
    offers_plus = offers_plus || name == wire::kScramSha256Plus;
  }
  Mechanism chosen;
  chosen.is_plus = offers_plus && has_binding;
  chosen.could_be_plus = !offers_plus && has_binding;
  if (!chosen.is_plus && !offers_scram) {
    fail("none of the server's SASL authentication mechanisms are supported");
  }
  return chosen;
}

wire::ScramClient::Options scram_options(const Mechanism& mechanism, const std::string& binding) {
  wire::ScramClient::Options options;
  if (mechanism.is_plus) options.channel_binding = binding;
  options.could_bind = mechanism.could_be_plus;
  return options;
}

io::Task<std::string> scram_answer(wire::ScramClient& scram, const LoginRequest& request,
                                   KeyCache& cache) {
  if (request.proven && request.proven->salt == scram.salt() &&
      request.proven->iterations == scram.iterations()) {
    co_return scram.client_final_with_keys(request.proven->keys);
  }
  if (request.secret.kind != wire::SecretKind::plain || request.secret.text.empty()) {
    fail("wrong password type");
  }
  const std::string& password = request.secret.text;
  const std::string& salt = scram.salt();
  const wire::ScramKeys keys = co_await cache.keys(password, salt, scram.iterations());
  co_return scram.client_final_with_keys(keys);
}

// Ends with the server having proved that it knows the secret.
io::Task<void> answer_sasl(LoginExchange& login, std::string mechanisms) {
  const LoginRequest& request = login.request;
  const Mechanism mechanism = choose_mechanism(mechanisms, !request.channel_binding.empty());
  if (request.secret.text.empty() && !request.proven) fail("no password for this user is known");
  wire::ScramClient scram(scram_options(mechanism, request.channel_binding));
  std::string out;
  wire::sasl_initial_response(out, mechanism.is_plus ? wire::kScramSha256Plus : wire::kScramSha256,
                              scram.client_first());
  login.messages.send(out);
  const std::string challenge = co_await next_request(login, authentication::kSaslContinue);
  if (!scram.server_first(challenge)) fail(scram.fault());
  const std::string final = co_await scram_answer(scram, request, login.cache);
  out.clear();
  wire::sasl_response(out, final);
  login.messages.send(out);
  const std::string proof = co_await next_request(login, authentication::kSaslFinal);
  if (!scram.server_final(proof)) fail("invalid server signature");
}

void answer_password(LoginExchange& login, uint32_t kind, ByteView salt) {
  const LoginRequest& request = login.request;
  std::string answer;
  const wire::WipeAtEnd wiped_answer(answer);
  if (kind == authentication::kCleartextPassword) {
    answer = request.secret.text;
  } else {
    if (request.secret.kind == wire::SecretKind::scram) fail("wrong password type");
    if (salt.size() != wire::kMd5SaltSize) fail("malformed md5 salt");
    answer = wire::md5_response(request.secret, request.user, salt);
  }
  std::string out;
  const wire::WipeAtEnd wiped_out(out);
  wire::password_message(out, answer);
  login.messages.send(out);
}

// A server that does not know the version asked for says which it speaks, before anything else. We
// ask for no extension that it could refuse.
void check_version(const wire::Message& message, uint32_t asked) {
  wire::Reader reader(message.body);
  const uint32_t version = reader.u32();
  const uint32_t refused = reader.u32();
  const bool is_lower = version >= wire::kProtocol3 && version < asked;
  if (!reader.done() || !is_lower || refused != 0) fail("bad protocol negotiation");
}

struct AuthenticationRequest {
  uint32_t kind = authentication::kOk;
  std::string data;
};

AuthenticationRequest authentication_in(const wire::Message& message) {
  wire::Reader reader(message.body);
  AuthenticationRequest request;
  request.kind = reader.u32();
  request.data = reader.rest();
  if (message.type != 'R' || !reader.ok()) fail("unexpected message");
  return request;
}

io::Task<AuthenticationRequest> next_authentication(LoginExchange& login) {
  const wire::Message message = co_await next_message(login);
  co_return authentication_in(message);
}

io::Task<AuthenticationRequest> first_authentication(LoginExchange& login) {
  wire::Message message = co_await next_message(login);
  if (message.type == 'v' && login.request.version != wire::kProtocol3) {
    check_version(message, login.request.version);
    wire::Message next = co_await next_message(login);
    message = std::move(next);
  }
  co_return authentication_in(message);
}

io::Task<void> authenticate(LoginExchange& login) {
  const AuthenticationRequest asked = co_await first_authentication(login);
  if (asked.kind == authentication::kOk) co_return;
  if (asked.kind == authentication::kCleartextPassword ||
      asked.kind == authentication::kMd5Password) {
    answer_password(login, asked.kind, asked.data);
  } else if (asked.kind == authentication::kSasl) {
    co_await answer_sasl(login, asked.data);
  } else {
    fail("unsupported authentication method " + std::to_string(asked.kind));
  }
  // One answer is all: a server that goes on asking is after more than it needs.
  const AuthenticationRequest verdict = co_await next_authentication(login);
  if (verdict.kind != authentication::kOk) fail("unexpected authentication request");
}

void take_cancel_key(LoginResult& result, wire::Reader& reader) {
  result.pid = reader.u32();
  result.cancel_secret = std::string(reader.rest());
  const size_t size = result.cancel_secret.size();
  if (!reader.ok() || size < wire::kMinCancelSecret || size > wire::kMaxCancelSecret) {
    fail("bad cancel key");
  }
}

// Until ReadyForQuery.
io::Task<LoginResult> take_settings(LoginExchange& login) {
  LoginResult result;
  size_t size = 0;
  while (true) {
    const wire::Message message = co_await next_message(login);
    wire::Reader reader(message.body);
    if (message.type == 'Z') break;
    if (message.type == 'K') {
      take_cancel_key(result, reader);
      continue;
    }
    if (message.type != 'S') fail("unexpected message");
    const ByteView name = reader.cstring();
    const ByteView value = reader.cstring();
    if (!reader.ok()) fail("malformed ParameterStatus");
    size += name.size() + value.size();
    if (result.parameters.size() >= kMostParameters || size > kMostParameterBytes) {
      fail("too many parameters");
    }
    result.parameters.emplace_back(name, value);
  }
  co_return result;
}

// Unasked, a server reports that it is being stopped, or that its settings have changed. Neither
// speaks against the login, so whoever waits for it shall go on waiting.
void check_rest(std::string_view rest) {
  if (rest.empty()) return;
  const bool is_unasked = rest[0] == 'E' || rest[0] == 'N' || rest[0] == 'S';
  if (!is_unasked) fail("bytes behind ReadyForQuery");
  throw Closed("the server spoke unasked behind its login");
}

}  // namespace

io::Task<LoginResult> log_in(io::Stream& stream, LoginRequest request, KeyCache& cache) {
  LoginExchange login{MessageStream(stream), request, cache};
  std::string out;
  wire::startup_message(out, request.startup, request.version);
  login.messages.send(out);
  co_await authenticate(login);
  LoginResult result = co_await take_settings(login);
  check_rest(login.messages.take_rest());
  co_return result;
}

}  // namespace remuda::pg
