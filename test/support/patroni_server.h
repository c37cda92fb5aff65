// Patroni's REST interface as a test wants it: what it answers, how slowly, how wrongly. HTTP or
// HTTPS; one request per connection, as Patroni has it.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "support/fake_server.h"

namespace remuda::test {

// An HTTP answer; `headers` are whole lines. The length is told unless the headers tell one.
std::string http_answer(const std::string& status, const std::string& body,
                        const std::string& headers = "");

class PatroniServer {
 public:
  // Answers 503 until it is told otherwise. With `tls` it speaks HTTPS.
  explicit PatroniServer(std::optional<TlsChoices> tls = std::nullopt);

  int port() const { return server_.port(); }
  // "http://127.0.0.1:PORT", or "https://localhost:PORT".
  std::string url() const;

  // From now on: 200 with this text.
  void answer(const std::string& json);
  // From now on: these bytes, whatever they are; then the end of the connection.
  void answer_bytes(std::string bytes);
  // The same, but the connection stays open and silent.
  void answer_and_hang(std::string bytes);

  // What was asked, each with its headers.
  std::vector<std::string> requests() const;
  int connections() const { return server_.connections(); }

 private:
  void set(std::string bytes, bool hangs);
  void converse(FakePeer& peer);

  const std::optional<TlsChoices> tls_;
  mutable std::mutex mutex_;  // guards the next three
  std::string answer_ = http_answer("503 Service Unavailable", "");
  bool hangs_ = false;
  std::vector<std::string> requests_;
  FakeServer server_;  // last: its threads use the others
};

}  // namespace remuda::test
