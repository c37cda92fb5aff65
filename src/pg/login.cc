#include "pg/login.h"

#include "pg/message_stream.h"
#include "remuda/base/log.h"
#include "remuda/wire/md5.h"
#include "remuda/wire/notice.h"
#include "remuda/wire/reader.h"
#include "remuda/wire/sqlstate.h"

namespace remuda::pg {
namespace {

// Authentication requests, by their number.
enum : uint32_t { kOk = 0, kCleartext = 3, kMd5 = 5, kSasl = 10, kSaslContinue = 11, kSaslFinal = 12 };
constexpr size_t kMostParameters = 200;

[[noreturn]] void fail(const std::string& why) {
  throw PgError(wire::sqlstate::kProtocolViolation, "server login failed: " + why);
}

[[noreturn]] void refuse(ByteView body) {
  const wire::ErrorFields fields = wire::parse_error_fields(body);
  log::warning("server login failed: {} {}", fields.severity, fields.message);
  throw ServerRefusal(fields.sqlstate, std::string(fields.message));
}

// Messages of a login in which notices mean nothing to us.
io::Task<wire::Message> next_message(MessageStream& messages) {
  while (true) {
    const wire::Message message = co_await messages.next();
    if (message.type == 'E') refuse(message.body);
    if (message.type != 'N') co_return message;
  }
}

// The body of an authentication request of the one kind that may come now.
io::Task<std::string> next_request(MessageStream& messages, uint32_t expected) {
  const wire::Message message = co_await next_message(messages);
  wire::Reader reader(message.body);
  const uint32_t kind = reader.u32();
  if (message.type != 'R' || !reader.ok() || kind != expected) fail("unexpected SASL message");
  co_return std::string(reader.rest());
}

bool offers_scram(ByteView list) {
  wire::Reader reader(list);
  while (reader.ok() && !reader.done()) {
    if (reader.cstring() == wire::kScramSha256) return true;
  }
  return false;
}

io::Task<std::string> scram_answer(wire::ScramClient& scram, const LoginRequest& request,
                                   KeyCache& cache) {
  if (request.proven && request.proven->salt == scram.salt() &&
      request.proven->iterations == scram.iterations()) {
    co_return scram.client_final_with_keys(request.proven->keys);
  }
  if (request.secret.kind != wire::SecretKind::plain) fail("wrong password type");
  std::string password = request.secret.text;
  std::string salt = scram.salt();
  const wire::ScramKeys keys = co_await cache.keys(password, salt, scram.iterations());
  co_return scram.client_final_with_keys(keys);
}

io::Task<void> answer_sasl(MessageStream& messages, const LoginRequest& request, KeyCache& cache,
                           std::string mechanisms) {
  if (!offers_scram(mechanisms)) {
    fail("none of the server's SASL authentication mechanisms are supported");
  }
  if (request.secret.text.empty() && !request.proven) fail("no password for this user is known");
  wire::ScramClient scram;
  std::string out;
  wire::sasl_initial_response(out, wire::kScramSha256, scram.client_first());
  messages.send(out);
  const std::string challenge = co_await next_request(messages, kSaslContinue);
  if (!scram.server_first(challenge)) fail(scram.fault());
  const std::string final = co_await scram_answer(scram, request, cache);
  out.clear();
  wire::sasl_response(out, final);
  messages.send(out);
  const std::string proof = co_await next_request(messages, kSaslFinal);
  if (!scram.server_final(proof)) fail("invalid server signature");
}

void answer_password(MessageStream& messages, const LoginRequest& request, uint32_t kind,
                     ByteView salt) {
  std::string answer;
  if (kind == kCleartext) {
    answer = request.secret.text;
  } else {
    if (request.secret.kind == wire::SecretKind::scram) fail("wrong password type");
    if (salt.size() != wire::kMd5SaltSize) fail("malformed md5 salt");
    answer = wire::md5_response(request.secret, request.user, salt);
  }
  std::string out;
  wire::password_message(out, answer);
  messages.send(out);
  wire::wipe(out);
  wire::wipe(answer);
}

io::Task<void> authenticate(MessageStream& messages, const LoginRequest& request, KeyCache& cache) {
  while (true) {
    const wire::Message message = co_await next_message(messages);
    wire::Reader reader(message.body);
    const uint32_t kind = reader.u32();
    if (message.type != 'R' || !reader.ok()) fail("unexpected message");
    if (kind == kOk) co_return;
    if (kind == kCleartext || kind == kMd5) {
      answer_password(messages, request, kind, reader.rest());
    } else if (kind == kSasl) {
      std::string mechanisms(reader.rest());
      co_await answer_sasl(messages, request, cache, mechanisms);
    } else {
      fail("unsupported authentication method " + std::to_string(kind));
    }
  }
}

void take_setting(LoginResult& result, const wire::Message& message) {
  wire::Reader reader(message.body);
  if (message.type == 'K') {
    result.pid = reader.u32();
    result.cancel_secret = std::string(reader.rest());
    const size_t size = result.cancel_secret.size();
    if (!reader.ok() || size < 4 || size > 256) fail("bad cancel key");
    return;
  }
  if (message.type != 'S') fail("unexpected message");
  const ByteView name = reader.cstring();
  const ByteView value = reader.cstring();
  if (!reader.ok()) fail("malformed ParameterStatus");
  if (result.parameters.size() >= kMostParameters) fail("too many parameters");
  result.parameters.emplace_back(name, value);
}

}  // namespace

io::Task<LoginResult> log_in(io::Stream& stream, LoginRequest request, KeyCache& cache) {
  MessageStream messages(stream);
  std::string out;
  wire::startup_message(out, request.startup);
  messages.send(out);
  co_await authenticate(messages, request, cache);
  LoginResult result;
  while (true) {
    const wire::Message message = co_await next_message(messages);
    if (message.type == 'Z') break;
    take_setting(result, message);
  }
  if (!messages.take_rest().empty()) fail("bytes behind ReadyForQuery");
  wire::wipe(request.secret.text);
  co_return result;
}

}  // namespace remuda::pg
