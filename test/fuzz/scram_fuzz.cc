// Both sides of the SCRAM exchange against a hostile peer, and stored secrets. Input: one byte that
// says whom to play, then messages, one a line. Nonces are fixed, so that a corpus can get through.
//   's' the server, 'p' with channel binding chosen, 'd' with channel binding offered, not chosen,
//   'l' the server that gets its keys late; 'c' the client, 'b' with channel binding, 'y' with
//   channel binding that the server does not offer; else a stored secret.
#include <cstddef>
#include <cstdint>

#include "remuda/base/error.h"
#include "remuda/wire/scram.h"

namespace remuda::wire {
namespace {

ByteView take_line(ByteView& input) {
  const size_t end = input.find('\n');
  const ByteView line = input.substr(0, end);
  input.remove_prefix(end == ByteView::npos ? input.size() : end + 1);
  return line;
}

const ScramSecret& secret() {
  static const ScramSecret built = build_secret("pencil", "salt", 1);
  return built;
}

void play_server(ByteView input, char role) {
  ScramServer::Options options;
  options.nonce = "server";
  options.plus = role == 'p';
  if (role == 'p' || role == 'd') options.channel_binding = "hash";
  ScramSecret announced = secret();
  if (role == 'l') announced.stored_key = announced.server_key = Digest{};
  ScramServer server(announced, options);
  int answers = 0;
  while (!input.empty()) {
    const auto status = server.step(take_line(input));
    if (role == 'l' && status == ScramServer::Status::go_on) server.set_keys(secret());
    REMUDA_CHECK((status == ScramServer::Status::failed) == server.reply().empty());
    if (status == ScramServer::Status::failed) REMUDA_CHECK(!server.fault().empty());
    answers += status == ScramServer::Status::failed ? 0 : 1;
  }
  REMUDA_CHECK(answers <= 2);
}

void play_client(ByteView input, char role) {
  ScramClient::Options options;
  options.nonce = "client";
  if (role == 'b') options.channel_binding = "hash";
  options.could_bind = role == 'y';
  ScramClient client(options);
  if (!client.server_first(take_line(input))) {
    REMUDA_CHECK(!client.fault().empty());
    return;
  }
  REMUDA_CHECK(client.iterations() >= 1 && client.iterations() <= kMaxScramIterations);
  REMUDA_CHECK(!client.salt().empty() && client.salt().size() <= kMaxScramSalt);
  static const ScramKeys keys = derive_keys(salted_password("pencil", "salt", 1));
  client.client_final_with_keys(keys);
  if (!client.server_final(take_line(input))) REMUDA_CHECK(!client.fault().empty());
}

void check_secret(ByteView text) {
  const auto parsed = parse_scram_secret(text);
  if (parsed) REMUDA_CHECK(parse_scram_secret(format_scram_secret(*parsed)) == parsed);
  REMUDA_CHECK((parse_secret(text).kind == SecretKind::scram) == parsed.has_value());
  saslprep(text);
}

}  // namespace
}  // namespace remuda::wire

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const remuda::ByteView input(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 's':
    case 'p':
    case 'd':
    case 'l':
      remuda::wire::play_server(input, data[0]);
      break;
    case 'c':
    case 'b':
    case 'y':
      remuda::wire::play_client(input, data[0]);
      break;
    default:
      remuda::wire::check_secret(input);
  }
  return 0;
}
