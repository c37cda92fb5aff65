#include "support/raw_client.h"

namespace remuda::test {

RawClient::RawClient(int port, const std::string& user, const std::string& database)
    : RawClient(port) {
  login(user, database);
}

std::string RawClient::request_tls() {
  send(ssl_request());
  return read_bytes(1);
}

void RawClient::secure(const TlsChoices& choices) {
  const std::string answer = request_tls();
  if (answer != "S") throw std::runtime_error("TLS is refused: " + answer);
  start_tls(TlsEnd::Role::client, choices);
}

void RawClient::login(const std::string& user, const std::string& database) {
  send(startup({{"user", user}, {"database", database}}));
  for (Message message = read(); message.type != 'Z'; message = read()) {
    if (message.type == 'E') throw std::runtime_error(notice_fields(message)['M']);
    if (message.type == 'K') key_ = message.body;
    if (message.type == 'S') {
      const auto end = message.body.find('\0');
      parameters_.emplace_back(message.body.substr(0, end),
                               message.body.substr(end + 1, message.body.size() - end - 2));
    }
  }
}

std::vector<Message> RawClient::ask(std::string_view sql) {
  send(query(sql));
  return read_until('Z');
}

std::string RawClient::value(std::string_view sql) {
  for (const auto& message : ask(sql)) {
    if (message.type == 'D') return first_value(message);
    if (message.type == 'E') throw std::runtime_error(notice_fields(message)['M']);
  }
  throw std::runtime_error("no row came");
}

}  // namespace remuda::test
