// A conversation with a hostile client and a hostile server. Input: steps of one byte each, with
// the bytes they carry: a read of the client or of the server (the upper six bits tell its length),
// or a turn of the pool (link, a new client, a query of our own ...).
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "remuda/base/error.h"
#include "remuda/session/conversation.h"

namespace remuda::session {
namespace {

constexpr size_t kLeastScratch = 32 * 1024 + 5;

class Play {
 public:
  explicit Play(ByteView input) : input_(input), egress_(scratch_) {
    new_client(Release::transaction);
    new_server();
  }

  void run() {
    while (!input_.empty()) {
      const auto step = static_cast<unsigned char>(input_[0]);
      input_.remove_prefix(1);
      const size_t n = std::min<size_t>(step >> 2, input_.size());
      switch (step & 3) {
        case 0:
          read_client(input_.substr(0, n));
          break;
        case 1:
          read_server(input_.substr(0, n));
          break;
        default:
          turn(step >> 2);
          continue;
      }
      input_.remove_prefix(n);
    }
  }

 private:
  void turn(int kind) {
    switch (kind % 6) {
      case 0:
        linked_ = true;
        read_client({});
        break;
      case 1:
        leave();
        new_client(static_cast<Release>(kind / 6 % 3));
        break;
      case 2:
        if (linked_) new_client(client_.release);
        new_server();
        break;
      case 3:
        if (server_.is_quiet()) expect_internal_query(server_);
        break;
      case 4:
        limits_.max_packet_size = static_cast<uint32_t>(1) << (kind / 6);
        break;
      default:
        client_.parameters = client_.parameters.with("a", std::string(1, char(kind)));
    }
  }

  // A server in which something of its client is left is closed.
  void leave() {
    if (linked_ && !(server_.is_quiet() && client_.frame.at_boundary())) new_server();
  }

  void new_client(Release release) {
    client_ = ClientView{};
    client_.release = release;
    client_.parameters = table_.empty_set();
    parked_.clear();
    linked_ = false;
  }

  void new_server() {
    server_ = ServerView{};
    server_.parameters = server_.reported = table_.intern({{"a", "1"}, {"b", "2"}});
    linked_ = false;
  }

  void read_client(ByteView bytes) {
    parked_ += bytes;
    while (true) {
      const std::vector<char> buffer(parked_.begin(), parked_.end());
      const Progress progress = from_client(client_, linked_ ? &server_ : nullptr,
                                            {buffer.data(), buffer.size()}, egress_, limits_);
      check(progress, buffer.size());
      REMUDA_CHECK(linked_ || egress_.empty());
      parked_.erase(0, progress.consumed);
      egress_.clear();
      switch (progress.need) {
        case Need::flush:
          continue;
        case Need::none:
          REMUDA_CHECK(parked_.empty());
          return;
        case Need::server:
          REMUDA_CHECK(!linked_);
          return;
        case Need::room:
          REMUDA_CHECK(linked_ && server_.pipeline.full());
          return;
        case Need::release:
          check_released();
          continue;
        default:
          new_server();
          new_client(Release::transaction);
          return;
      }
    }
  }

  void read_server(ByteView bytes) {
    while (true) {
      const std::vector<char> buffer(bytes.begin(), bytes.end());
      const Progress progress = from_server(server_, linked_ ? &client_ : nullptr,
                                            {buffer.data(), buffer.size()}, egress_, limits_);
      check(progress, buffer.size());
      REMUDA_CHECK(linked_ || egress_.empty());
      bytes.remove_prefix(progress.consumed);
      egress_.clear();
      switch (progress.need) {
        case Need::flush:
          continue;
        case Need::none:
          REMUDA_CHECK(bytes.empty());
          return;
        case Need::release:
          check_released();
          break;
        default:
          REMUDA_CHECK(progress.need == Need::fail);
          new_server();
          new_client(Release::transaction);
          return;
      }
    }
  }

  void check(const Progress& progress, size_t size) {
    REMUDA_CHECK(progress.consumed <= size);
    REMUDA_CHECK((progress.need == Need::fail) == (progress.fault != nullptr));
    REMUDA_CHECK(!progress.fault || progress.fault->text[0] != '\0');
    // What was read now, and what had been kept of it: a header or a message needed whole.
    REMUDA_CHECK(egress_.size() <= progress.consumed + kLeastScratch);
    REMUDA_CHECK(progress.need != Need::flush || !egress_.empty());
    REMUDA_CHECK(client_.frame.header_size <= 5 && server_.frame.header_size <= 5);
    REMUDA_CHECK(server_.pipeline.size() <= Pipeline::kMaxOwed + 1);
    for (const FrameState* frame : {&client_.frame, &server_.frame}) {
      REMUDA_CHECK(!frame->assembly || frame->assembly->size() < kLeastScratch);
    }
  }

  void check_released() {
    REMUDA_CHECK(server_.is_quiet());
    REMUDA_CHECK(!linked_ || client_.frame.at_boundary());
    REMUDA_CHECK(!linked_ || client_.release != Release::session);
    linked_ = false;
  }

  ByteView input_;
  ParameterTable table_;
  std::vector<char> scratch_ = std::vector<char>(kLeastScratch);
  Egress egress_;
  Limits limits_;
  ClientView client_;
  ServerView server_;
  std::string parked_;
  bool linked_ = false;
};

}  // namespace
}  // namespace remuda::session

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  remuda::session::Play({reinterpret_cast<const char*>(data), size}).run();
  return 0;
}
