// The side of the exchange that logs in to a server.
#include <algorithm>

#include "remuda/base/error.h"
#include "remuda/base/text.h"
#include "remuda/wire/scram.h"
#include "scram_attributes.h"

namespace remuda::wire {
namespace {

constexpr size_t kLongestServerError = 100;

// What a server says went wrong, fit for a log line.
std::string printable(ByteView text) {
  std::string out(text.substr(0, kLongestServerError));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return out;
}

}  // namespace

ScramClient::ScramClient(Options options) : options_(std::move(options)) {
  if (options_.nonce.empty()) options_.nonce = make_nonce();
}

ScramClient::~ScramClient() {
  wipe(server_signature_);
}

bool ScramClient::fail(std::string_view why) {
  expects_ = Expects::nothing;
  fault_ = why;
  return false;
}

std::string ScramClient::gs2_header() const {
  if (!options_.channel_binding.empty()) return "p=tls-server-end-point,,";
  return options_.could_bind ? "y,," : "n,,";
}

std::string ScramClient::client_first() const {
  return gs2_header() + first_bare();
}

bool ScramClient::server_first(ByteView message) {
  if (expects_ != Expects::server_first) return fail("SCRAM challenge out of turn");
  if (!is_scram_text(message)) return fail(kNoScramText);
  return read_server_first(message);
}

bool ScramClient::read_server_first(ByteView message) {
  Attributes attributes(message);
  if (attributes.next_is('m')) return fail("SCRAM extension is not supported");
  const ByteView nonce = attributes.take('r');
  const ByteView salt_text = attributes.take('s');
  const ByteView count = attributes.take('i');
  attributes.skip_rest();
  if (!attributes.done()) return fail("malformed SCRAM message: bad server-first-message");
  if (!is_nonce(nonce)) return fail("malformed SCRAM message: bad nonce");
  if (!nonce.starts_with(options_.nonce) || nonce.size() == options_.nonce.size()) {
    return fail("invalid SCRAM challenge: nonce does not match");
  }
  auto salt = base64_decode(salt_text);
  if (!salt || salt->empty() || salt->size() > kMaxScramSalt) {
    return fail("malformed SCRAM message: bad salt");
  }
  iterations_ = parse_number<uint32_t>(count).value_or(0);
  if (iterations_ == 0) return fail("malformed SCRAM message: bad iteration count");
  if (iterations_ > kMaxScramIterations) return fail("SCRAM iteration count is too large");
  salt_ = std::move(*salt);
  nonce_ = nonce;
  auth_message_ = first_bare() + ',' + std::string(message);
  expects_ = Expects::keys;
  return true;
}

std::string ScramClient::client_final(const Digest& salted_password) {
  return client_final_with_keys(derive_keys(salted_password));
}

std::string ScramClient::client_final_with_keys(const ScramKeys& keys) {
  REMUDA_CHECK(expects_ == Expects::keys);
  std::string message =
      "c=" + base64_encode(gs2_header() + options_.channel_binding) + ",r=" + nonce_;
  auth_message_ += ',' + message;
  const Digest stored_key = sha256(view_of(keys.client_key));
  const Digest signature = hmac_sha256(view_of(stored_key), auth_message_);
  const Digest proof = exclusive_or(keys.client_key, signature);
  server_signature_ = hmac_sha256(view_of(keys.server_key), auth_message_);
  expects_ = Expects::server_final;
  return message + ",p=" + base64_encode(view_of(proof));
}

bool ScramClient::server_final(ByteView message) {
  if (expects_ != Expects::server_final) return fail("SCRAM signature out of turn");
  expects_ = Expects::nothing;
  if (!is_scram_text(message)) return fail(kNoScramText);
  Attributes attributes(message);
  if (attributes.next_is('e'))
    return fail("SCRAM server error: " + printable(attributes.take('e')));
  const ByteView signature = attributes.take('v');
  attributes.skip_rest();
  if (!attributes.done()) return fail("malformed SCRAM message: bad server-final-message");
  const auto bytes = base64_decode(signature);
  if (!bytes || !same_bytes(*bytes, view_of(server_signature_))) {
    return fail("invalid server signature");
  }
  return true;
}

}  // namespace remuda::wire
