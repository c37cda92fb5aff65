// The side of the exchange that checks a client.
#include "remuda/wire/scram.h"

#include <algorithm>

#include "remuda/base/error.h"
#include "scram_attributes.h"

namespace remuda::wire {
namespace {

constexpr ByteView kBindingType = "p=tls-server-end-point";

}  // namespace

std::string ScramServer::salt_for(ByteView process_secret, ByteView user) {
  const Digest digest = hmac_sha256(process_secret, user);
  return std::string(view_of(digest).substr(0, kScramSaltSize));
}

ScramSecret ScramServer::mock_secret(ByteView process_secret, ByteView user, uint32_t iterations) {
  ScramSecret secret;
  secret.iterations = iterations;
  secret.salt = salt_for(process_secret, user);
  return secret;
}

ScramServer::ScramServer(ScramSecret secret, Options options)
    : secret_(std::move(secret)), options_(std::move(options)) {
  if (options_.nonce.empty()) options_.nonce = make_nonce();
}

ScramServer::~ScramServer() {
  wipe(client_key_);
}

void ScramServer::set_keys(const ScramSecret& made) {
  REMUDA_CHECK(expects_ == Expects::final);
  REMUDA_CHECK(made.salt == secret_.salt && made.iterations == secret_.iterations);
  secret_ = made;
}

bool ScramServer::fail(std::string_view why) {
  expects_ = Expects::nothing;
  fault_ = why;
  return false;
}

ScramServer::Status ScramServer::step(ByteView message) {
  reply_.clear();
  const Expects expected = expects_;
  if (!is_scram_text(message)) {
    fail(kNoScramText);
    return Status::failed;
  }
  switch (expected) {
    case Expects::first:
      return read_first(message) ? Status::go_on : Status::failed;
    case Expects::final:
      return read_final(message) ? Status::done : Status::failed;
    case Expects::nothing:
      break;
  }
  fail("SCRAM message after the end of the exchange");
  return Status::failed;
}

// The channel-binding flag and the authorization identity, up to and with the second comma.
bool ScramServer::read_gs2_header(ByteView message, size_t& size) {
  const ByteView flag = message.substr(0, message.find(','));
  const bool offered = !options_.channel_binding.empty();
  if (flag == "y") {
    // It believes that we have no channel binding: if we do, somebody has cut it from our offer.
    if (offered) return fail("SCRAM channel binding negotiation error");
  } else if (flag.starts_with("p=")) {
    if (!offered || !options_.plus) return fail("SCRAM channel binding is not supported");
    if (flag != kBindingType) return fail("unsupported SCRAM channel-binding type");
  } else if (flag != "n") {
    return fail("malformed SCRAM message: bad channel-binding flag");
  }
  if (options_.plus && !flag.starts_with('p')) return fail("SCRAM channel binding is missing");

  const ByteView rest = message.substr(flag.size());
  if (rest.starts_with(",a=")) return fail("SCRAM authorization identity is not supported");
  if (!rest.starts_with(",,")) return fail("malformed SCRAM message: bad header");
  size = flag.size() + 2;
  return true;
}

bool ScramServer::read_first(ByteView message) {
  size_t header_size = 0;
  if (!read_gs2_header(message, header_size)) return false;
  const ByteView bare = message.substr(header_size);
  Attributes attributes(bare);
  if (attributes.next_is('m')) return fail("SCRAM extension is not supported");
  attributes.take('n');  // the name in the startup packet counts
  const ByteView nonce = attributes.take('r');
  attributes.skip_rest();
  if (!attributes.done()) return fail("malformed SCRAM message: bad client-first-message");
  if (!is_nonce(nonce)) return fail("malformed SCRAM message: bad nonce");

  gs2_header_ = message.substr(0, header_size);
  nonce_ = std::string(nonce) + options_.nonce;
  reply_ = "r=" + nonce_ + ",s=" + base64_encode(secret_.salt) +
           ",i=" + std::to_string(secret_.iterations);
  auth_message_ = std::string(bare) + ',' + reply_;
  expects_ = Expects::final;
  return true;
}

bool ScramServer::read_final(ByteView message) {
  Attributes attributes(message);
  const ByteView binding = attributes.take('c');
  const ByteView nonce = attributes.take('r');
  attributes.skip_to('p');
  const size_t proof_at = attributes.position();
  const ByteView proof = attributes.take('p');
  if (!attributes.done()) return fail("malformed SCRAM message: bad client-final-message");

  const std::string wanted =
      gs2_header_ + (gs2_header_.starts_with('p') ? options_.channel_binding : std::string());
  const auto bound = base64_decode(binding);
  if (!bound || !same_bytes(*bound, wanted)) return fail("SCRAM channel binding check failed");
  if (!same_bytes(nonce, nonce_)) return fail("invalid SCRAM response: nonce does not match");
  auth_message_ += ',';
  auth_message_ += message.substr(0, proof_at - 1);
  if (!check_proof(proof)) return false;

  const Digest signature = hmac_sha256(view_of(secret_.server_key), auth_message_);
  reply_ = "v=" + base64_encode(view_of(signature));
  expects_ = Expects::nothing;
  return true;
}

bool ScramServer::check_proof(ByteView proof) {
  const auto bytes = base64_decode(proof);
  if (!bytes || bytes->size() != client_key_.size()) {
    return fail("malformed SCRAM message: bad proof");
  }
  Digest sent;
  std::copy(bytes->begin(), bytes->end(), sent.begin());
  const Digest signature = hmac_sha256(view_of(secret_.stored_key), auth_message_);
  client_key_ = exclusive_or(sent, signature);
  const bool fits = same_bytes(view_of(sha256(view_of(client_key_))), view_of(secret_.stored_key));
  if (fits && !options_.mock) return true;
  wipe(client_key_);
  return fail("wrong password");
}

}  // namespace remuda::wire
