#include "macro/scram_login.h"

#include <algorithm>

#include "macro/packet.h"

namespace remuda::bench {
namespace {

// Authentication requests, and the client's messages that answer them (all of type 'p').
constexpr uint32_t kSasl = 10, kSaslContinue = 11, kSaslFinal = 12;

bool offers(std::string_view mechanisms, std::string_view wanted) {
  Fields fields(mechanisms);
  while (fields.ok() && !fields.empty()) {
    if (fields.text() == wanted) return true;
  }
  return false;
}

}  // namespace

const wire::ScramKeys& ScramKeyCache::keys(const std::string& password, const std::string& salt,
                                           uint32_t iterations) {
  if (salt != salt_ || iterations != iterations_) {
    keys_ = wire::derive_keys(wire::salted_password(password, salt, iterations));
    salt_ = salt;
    iterations_ = iterations;
  }
  return keys_;
}

bool ScramLogin::answer(std::string_view request, const std::string& password, ScramKeyCache& cache,
                        std::string& out) {
  const uint32_t method = Fields(request).u32();
  if (password.empty()) {
    return fail("the server asks for authentication method " + std::to_string(method));
  }
  request.remove_prefix(std::min<size_t>(request.size(), 4));
  if (method == kSasl && !exchange_) return begin(request, out);
  if (method == kSaslContinue && exchange_) return prove(request, password, cache, out);
  if (method != kSaslFinal || !exchange_) {
    return fail("the server asks for authentication method " + std::to_string(method));
  }
  done_ = exchange_->server_final(request);
  return done_ || fail(exchange_->fault());
}

bool ScramLogin::begin(std::string_view mechanisms, std::string& out) {
  if (!offers(mechanisms, wire::kScramSha256)) return fail("SCRAM-SHA-256 is not offered");
  exchange_ = std::make_unique<wire::ScramClient>();
  const std::string first = exchange_->client_first();
  Packet packet(out, 'p');
  put_text(out, wire::kScramSha256);
  put_u32(out, static_cast<uint32_t>(first.size()));
  out.append(first);
  return true;
}

bool ScramLogin::prove(std::string_view challenge, const std::string& password,
                       ScramKeyCache& cache, std::string& out) {
  if (!exchange_->server_first(challenge)) return fail(exchange_->fault());
  const auto& keys = cache.keys(password, exchange_->salt(), exchange_->iterations());
  Packet packet(out, 'p');
  out.append(exchange_->client_final_with_keys(keys));
  return true;
}

bool ScramLogin::fail(const std::string& why) {
  fault_ = why;
  return false;
}

}  // namespace remuda::bench
