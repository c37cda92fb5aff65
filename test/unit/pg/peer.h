// The other end of a login, played step by step by a test over a pair of sockets.
#pragma once

#include <cerrno>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "io/loop.h"
#include "io/stream.h"
#include "remuda/base/bytes.h"
#include "remuda/wire/frame.h"
#include "unit/io/run_until.h"
#include "unit/io/sockets.h"

namespace remuda::pg {

struct Received {
  char type = 0;
  std::string body;
};

class Peer {
 public:
  // `piece`: how many bytes go at a time; 0: all at once.
  Peer(io::Loop& loop, io::FileDescriptor fd, size_t piece)
      : loop_(loop), fd_(std::move(fd)), piece_(piece) {}

  // Lets the loop run when the socket is full; what the side under test does not want is dropped.
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::string_view part = bytes.substr(0, piece_ == 0 ? bytes.npos : piece_);
      const ssize_t n = ::send(fd_.get(), part.data(), part.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && errno != EAGAIN) return;
      if (n > 0) bytes.remove_prefix(static_cast<size_t>(n));
      if (n < 0 || piece_ > 0) io::turn(loop_, 3);
      if (n < 0 && ++refused_ > kMostRefused) return;
    }
  }

  // The next message of the side under test.
  Received next() {
    Received received;
    io::run_until(loop_, [&] {
      frames_.append(io::receive_now(fd_));
      const auto message = frames_.next();
      if (message) received = {message->type, std::string(message->body)};
      return message.has_value();
    });
    return received;
  }

  // The body of the start-up packet.
  std::string startup() {
    std::string bytes;
    io::run_until(loop_, [&] {
      bytes += io::receive_now(fd_);
      return bytes.size() >= 4 && bytes.size() >= load_u32(bytes.data());
    });
    return bytes.substr(4);
  }

  // Whether anything comes, given time enough.
  bool is_left_alone() {
    io::turn(loop_);
    frames_.append(io::receive_now(fd_));
    return frames_.pending() == 0;
  }

  void close() { fd_.close(); }

 private:
  io::Loop& loop_;
  io::FileDescriptor fd_;
  const size_t piece_;
  static constexpr int kMostRefused = 1000;
  int refused_ = 0;
  wire::FrameBuffer frames_{1024 * 1024};
};

using Script = std::function<void(Peer&)>;

// Runs the script against a task that has begun, then gives what the task returns or throws. The
// task is brought to its end even if the script fails.
template <class T>
T played(io::Loop& loop, Peer& peer, io::Task<T> task, const Script& script) {
  try {
    script(peer);
  } catch (...) {
    peer.close();
    io::run_until(loop, [&] { return task.is_done(); });
    throw;
  }
  return io::finish(loop, std::move(task));
}

}  // namespace remuda::pg
