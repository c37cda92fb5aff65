// One end of a connection, blocking, every wait bounded: what RawClient and FakeServer speak
// through. Owned and used by one thread; `interrupt` alone may come from another.
#pragma once

#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "support/packet.h"
#include "support/tls_end.h"
#include "support/wait.h"

namespace remuda::test {

// The peer closed, or reset, while something was expected of it.
struct PeerClosed : std::runtime_error {
  PeerClosed() : std::runtime_error("the peer closed the connection") {}
};

// Connected sockets; throw when refused.
int connect_tcp(int port, const std::string& host = "127.0.0.1");
int connect_unix(const std::string& path);

class Channel {
 public:
  // Takes over a connected socket.
  explicit Channel(int fd) : fd_(fd) {}
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Throws PeerClosed when the peer is gone.
  void send(std::string_view bytes);
  // Same past TLS: the bytes as they are.
  void send_raw(std::string_view bytes);
  // One whole message. Throws PeerClosed, or runtime_error when nothing comes in time.
  Message read();
  // A packet without a type: length and body.
  Message read_untyped();
  std::string read_bytes(size_t count);
  // Exactly this type next; the exception says what came instead.
  Message expect(char type);
  // All messages up to and with the first of this type.
  std::vector<Message> read_until(char type);
  // All messages until the peer closes.
  std::vector<Message> read_to_end();
  // Bytes until the peer closes, uninterpreted.
  std::string read_rest();
  // Whether nothing arrives within `time`. For absence only: it always takes that long.
  bool silent(milliseconds time);

  // Shakes hands; from then on everything but send_raw() is encrypted. Throws TlsFailure, or
  // PeerClosed when the peer leaves instead.
  void start_tls(TlsEnd::Role role, const TlsChoices& choices = {});
  // Null without TLS.
  TlsEnd* tls() { return tls_.get(); }
  // Once the peer has closed: whether it said goodbye before (close_notify).
  bool was_told_goodbye() const { return told_goodbye_; }

  // Ends our direction only; ends both; ends both with a TCP reset.
  void shutdown_write();
  void close();
  void reset();
  // Makes every call of the owning thread fail with PeerClosed.
  void interrupt();

 private:
  // More bytes into the buffer; false at the end of the stream.
  bool receive();
  // What arrived next; empty at the end of the stream.
  std::string receive_raw();
  void wait_readable();

  // Held while the descriptor is closed or interrupted: its number may be someone else's
  // afterwards.
  std::mutex closing_;
  int fd_;
  std::string buffer_;
  std::unique_ptr<TlsEnd> tls_;
  bool told_goodbye_ = false;
};

}  // namespace remuda::test
