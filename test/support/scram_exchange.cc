#include "support/scram_exchange.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "remuda/wire/scram.h"

namespace remuda::test {
namespace {

constexpr uint32_t kSasl = 10, kSaslContinue = 11, kSaslFinal = 12;

const unsigned char* unsigned_bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string base64(const std::string& bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   unsigned_bytes(bytes), static_cast<int>(bytes.size()));
  return text.substr(0, static_cast<size_t>(size));
}

std::string unbase64(const std::string& text) {
  std::string bytes(text.size(), '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   unsigned_bytes(text), static_cast<int>(text.size()));
  size_t padding = 0;
  while (padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  return bytes.substr(0, static_cast<size_t>(size) - padding);
}

std::string hmac(const std::string& key, const std::string& text) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), unsigned_bytes(text), text.size(),
       reinterpret_cast<unsigned char*>(digest.data()), nullptr);
  return digest;
}

std::string sha256(const std::string& text) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(unsigned_bytes(text), text.size(), reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

std::string salted(const std::string& password, const std::string& salt, int iterations) {
  std::string key(SHA256_DIGEST_LENGTH, '\0');
  PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), unsigned_bytes(salt),
                    static_cast<int>(salt.size()), iterations, EVP_sha256(), SHA256_DIGEST_LENGTH,
                    reinterpret_cast<unsigned char*>(key.data()));
  return key;
}

std::string proof(const std::string& salted_password, const std::string& conversation) {
  std::string key = hmac(salted_password, "Client Key");
  const std::string signature = hmac(sha256(key), conversation);
  for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<char>(key[i] ^ signature[i]);
  return base64(key);
}

// Value of `a=...` in a comma list.
std::string attribute(const std::string& message, char name) {
  const auto at = ("," + message).find(std::string(",") + name + "=");
  if (at == std::string::npos) throw std::runtime_error("SCRAM message without an attribute");
  return message.substr(at + 2, message.find(',', at) - at - 2);
}

std::string initial_response(const std::string& mechanism, const std::string& text) {
  return packet('p', cstr(mechanism) + be32(static_cast<uint32_t>(text.size())) + text);
}

// The body behind the code of an Authentication message of that kind, or the text of an error.
struct Reply {
  bool refused = false;
  std::string text;
};

Reply read_reply(Channel& channel, uint32_t code) {
  const Message message = channel.read();
  if (message.type == 'E') return {true, notice_fields(message)['M']};
  if (message.type != 'R' || message.body.substr(0, 4) != be32(code))
    throw std::runtime_error("not the next message of the SCRAM exchange");
  return {false, message.body.substr(4)};
}

void step(wire::ScramServer& server, const std::string& message) {
  if (server.step(message) == wire::ScramServer::Status::failed)
    throw std::runtime_error("SCRAM refused: " + server.fault());
}

}  // namespace

std::vector<std::string> mechanisms_of(const Message& request) {
  if (request.type != 'R' || request.body.substr(0, 4) != be32(kSasl))
    throw std::runtime_error("not an AuthenticationSASL");
  std::vector<std::string> names;
  for (size_t at = 4; at < request.body.size() && request.body[at] != '\0';) {
    const auto end = request.body.find('\0', at);
    names.push_back(request.body.substr(at, end - at));
    at = end + 1;
  }
  return names;
}

std::string scram_verdict(Channel& channel, const ScramAttempt& attempt) {
  mechanisms_of(channel.read());
  const std::string first = "n=,r=MDEyMzQ1Njc4OWFiY2RlZg";
  channel.send(initial_response(attempt.mechanism, attempt.header + first));
  const Reply challenge = read_reply(channel, kSaslContinue);
  if (challenge.refused) return challenge.text;

  const std::string last =
      "c=" + base64(attempt.header + attempt.binding) + ",r=" + attribute(challenge.text, 'r');
  const std::string key = salted(attempt.password, unbase64(attribute(challenge.text, 's')),
                                 std::stoi(attribute(challenge.text, 'i')));
  const std::string conversation = first + "," + challenge.text + "," + last;
  channel.send(packet('p', last + ",p=" + proof(key, conversation)));
  const Reply verdict = read_reply(channel, kSaslFinal);
  if (verdict.refused) return verdict.text;
  const std::string signature = base64(hmac(hmac(key, "Server Key"), conversation));
  return attribute(verdict.text, 'v') == signature ? "" : "wrong server signature";
}

std::string demand_scram(Channel& channel, const std::string& password,
                         const std::vector<std::string>& mechanisms, const std::string& binding) {
  std::string names;
  for (const auto& name : mechanisms) names += cstr(name);
  channel.send(packet('R', be32(kSasl) + names + '\0'));
  const std::string initial = channel.expect('p').body;
  const std::string chosen = initial.substr(0, initial.find('\0'));

  wire::ScramServer::Options options;
  options.plus = chosen == wire::kScramSha256Plus;
  options.channel_binding = binding;
  wire::ScramServer server(wire::build_secret(password, "0123456789abcdef", 4096), options);
  step(server, initial.substr(chosen.size() + 1 + 4));
  channel.send(packet('R', be32(kSaslContinue) + server.reply()));
  step(server, channel.expect('p').body);
  channel.send(packet('R', be32(kSaslFinal) + server.reply()));
  return chosen;
}

}  // namespace remuda::test
