#include "support/patroni_server.h"

#include <utility>

namespace remuda::test {

std::string http_answer(const std::string& status, const std::string& body,
                        const std::string& headers) {
  std::string head = "HTTP/1.0 " + status + "\r\nContent-Type: application/json\r\n" + headers;
  if (headers.find("Content-Length") == headers.npos) {
    head += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  return head + "\r\n" + body;
}

PatroniServer::PatroniServer(std::optional<TlsChoices> tls)
    : tls_(std::move(tls)), server_([this](FakePeer& peer) { converse(peer); }) {}

std::string PatroniServer::url() const {
  return (tls_ ? "https://localhost:" : "http://127.0.0.1:") + std::to_string(port());
}

void PatroniServer::answer(const std::string& json) {
  set(http_answer("200 OK", json), false);
}

void PatroniServer::answer_bytes(std::string bytes) {
  set(std::move(bytes), false);
}

void PatroniServer::answer_and_hang(std::string bytes) {
  set(std::move(bytes), true);
}

std::vector<std::string> PatroniServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void PatroniServer::set(std::string bytes, bool hangs) {
  const std::lock_guard lock(mutex_);
  answer_ = std::move(bytes);
  hangs_ = hangs;
}

void PatroniServer::converse(FakePeer& peer) {
  if (tls_) peer.start_tls(TlsEnd::Role::server, *tls_);
  std::string request;
  while (!request.ends_with("\r\n\r\n")) request += peer.read_bytes(1);
  std::string bytes;
  bool hangs = false;
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    bytes = answer_;
    hangs = hangs_;
  }
  peer.send(bytes);
  if (hangs) peer.hang();
}

}  // namespace remuda::test
