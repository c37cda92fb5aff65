// A client that sends whatever bytes it is told, for sequences no driver would produce.
#pragma once

#include <string>

#include "support/channel.h"

namespace remuda::test {

class RawClient : public Channel {
 public:
  // Connected over TCP, nothing sent.
  explicit RawClient(int port) : Channel(connect_tcp(port)) {}
  // Connected and logged in where trust reigns: up to the first ReadyForQuery.
  RawClient(int port, const std::string& user, const std::string& database);

  // Asks for TLS; the server's answer, one byte.
  std::string request_tls();
  // Asks for TLS and shakes hands. Throws when it is refused.
  void secure(const TlsChoices& choices = {});
  // Sends the startup packet and reads up to ReadyForQuery. Throws with the server's text.
  void login(const std::string& user, const std::string& database);
  // The 8 bytes of BackendKeyData.
  const std::string& key() const { return key_; }
  const Parameters& parameters() const { return parameters_; }

  // A simple query's replies, up to ReadyForQuery.
  std::vector<Message> ask(std::string_view sql);
  // The first value of the first row of the answer.
  std::string value(std::string_view sql);

 private:
  std::string key_;
  Parameters parameters_;
};

}  // namespace remuda::test
