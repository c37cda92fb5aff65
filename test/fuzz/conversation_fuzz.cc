// A conversation with a hostile client and a hostile server. Input: steps of one byte each, with
// the bytes they carry: a read of the client or of the server (the upper six bits tell its length),
// or a turn of the pool (link, a new client, a query of our own ...). What a client prepares and
// sets may follow it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "remuda/base/error.h"
#include "remuda/session/conversation.h"

namespace remuda::session {
namespace {

// The most that is kept of messages where nothing follows the client.
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
        link();
        read_client({});
        break;
      case 1:
        leave(kind / 6 % 2 == 0);
        new_client(static_cast<Release>(kind / 6 % 3));
        if (kind / 6 >= 3) follow(kind / 6);
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

  void link() {
    if (linked_) return;
    if (!server_.is_quiet() || server_.suspect) new_server();
    linked_ = true;
    session::link(client_, server_);
    if (!needs_replay(client_, server_)) return;
    REMUDA_CHECK(replay_sql(client_, server_).ends_with(';'));
    expect_internal_query(server_);
  }

  void unlink() {
    if (linked_) session::unlink(client_, server_);
    linked_ = false;
  }

  // A server in which something of its client is left is closed, or what it owes is read.
  void leave(bool may_abandon) {
    if (!linked_) return;
    const bool is_whole = client_.frame.at_boundary();
    unlink();
    bool needs_sync = false;
    if (server_.is_quiet() && is_whole) return;
    if (!may_abandon || !is_whole || !abandon(server_, needs_sync)) new_server();
  }

  void follow(int how) {
    client_.release = Release::transaction;
    limits_.statements = &statements_;
    limits_.max_prepared_statements = how % 4;
    limits_.prepare_unnamed = how % 2 == 0;
    if (how < 6) return;
    client_.settings = table_.empty_set();
    client_.startup_settings =
        how < 9 ? client_.settings : table_.intern({{"a.b", "SELECT 1;"}, {"search_path", ";"}});
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
    server_.settings = SettingsJournal(table_.empty_set());
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
      const bool is_answered = take_own_answers();
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
          REMUDA_CHECK(linked_ && (is_answered || !server_.pipeline.empty()));
          if (is_answered) continue;
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

  // What the client is told without the server's saying anything.
  bool take_own_answers() {
    bool any = false;
    while (linked_ && has_answers(server_)) {
      take_answers(server_, egress_);
      REMUDA_CHECK(!egress_.empty());
      egress_.clear();
      any = true;
    }
    return any;
  }

  void read_server(ByteView bytes) {
    while (true) {
      const std::vector<char> buffer(bytes.begin(), bytes.end());
      const Progress progress = from_server(server_, linked_ ? &client_ : nullptr,
                                            {buffer.data(), buffer.size()}, egress_, limits_);
      check(progress, buffer.size());
      // The end of a message that its client has begun to read is for nobody.
      REMUDA_CHECK(linked_ || server_.abandoned || egress_.empty());
      bytes.remove_prefix(progress.consumed);
      egress_.clear();
      switch (progress.need) {
        case Need::flush:
          continue;
        case Need::none:
          REMUDA_CHECK(bytes.empty());
          return;
        case Need::resend:
          put_second_try(server_, egress_);
          egress_.clear();
          continue;
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
    const bool follows = limits_.statements != nullptr;
    REMUDA_CHECK(follows || egress_.size() <= progress.consumed + kLeastScratch);
    REMUDA_CHECK(progress.need != Need::flush || !egress_.empty());
    REMUDA_CHECK(client_.frame.header_size <= 5 && server_.frame.header_size <= 5);
    REMUDA_CHECK(server_.pipeline.size() <= Pipeline::kMaxOwed + 1);
    for (const FrameState* frame : {&client_.frame, &server_.frame}) {
      REMUDA_CHECK(follows || !frame->assembly || frame->assembly->size() < kLeastScratch);
    }
  }

  void check_released() {
    REMUDA_CHECK(server_.is_quiet());
    REMUDA_CHECK(!linked_ || client_.frame.at_boundary());
    REMUDA_CHECK(!linked_ || client_.release != Release::session);
    REMUDA_CHECK(server_.changes.empty() && server_.portals.empty());
    unlink();
    if (server_.suspect) return new_server();
    if (!server_.settings.is_lost()) return;
    expect_internal_query(server_);
    server_.settings.discard();
  }

  ByteView input_;
  ParameterTable table_;
  StatementTable statements_;
  std::vector<char> scratch_ = std::vector<char>(Egress::kMinScratch);
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
