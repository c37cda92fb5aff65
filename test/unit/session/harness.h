// Plays one conversation, a client, a server and the link between them, as the proxy would, and
// collects the exact bytes each side gets.
// A case is a function of a Talk. `every_cut` plays it whole, byte by byte and cut in two at each
// position; what the sides get, what the conversation needs and where, and the state at the end
// must be the same each time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "remuda/session/conversation.h"
#include "support/catch.h"
#include "unit/session/messages.h"

namespace remuda::session::test {

struct Cut {
  static constexpr size_t kWhole = 0;
  static constexpr size_t kEveryByte = SIZE_MAX;

  size_t position = kWhole;  // counted over the bytes of both sides
  // The least that an egress may have, so that every byte copied into it makes it full.
  size_t scratch = 32 * 1024 + 4 * 1024;

  std::string name() const;
};

class Talk {
 public:
  explicit Talk(Cut cut = {}, Release release = Release::transaction);
  ~Talk();

  // Bytes arrive. What is not consumed waits until the conversation gets what it needs.
  void client(std::string_view bytes) { feed(bytes, &Talk::client_reads); }
  void client(char type, std::string_view body = {}) { client(message(type, body)); }
  void server(std::string_view bytes) { feed(bytes, &Talk::server_reads); }
  void server(char type, std::string_view body = {}) { server(message(type, body)); }

  // The pool gives a server, and takes it back. A server returned by Need::release is unlinked.
  // Where the server has other settings than the client, a query of ours sets them.
  void link();
  void unlink();
  // Another client comes to the same server.
  void next_client();
  // A query of our own goes to the server.
  void internal_query() { expect_internal_query(server_view); }

  // What has been sent to each side, and the needs, since last asked. Needs are separated by
  // blanks; flush and room depend on the cuts and are not among them.
  std::string to_server() { return std::exchange(to_server_, {}); }
  std::string to_client() { return std::exchange(to_client_, {}); }
  std::string needs() { return std::exchange(needs_, {}); }

  bool linked() const { return linked_; }
  bool wants_room() const { return wants_room_; }
  // The server could be lent to another client now, if this one left.
  bool reusable() const;

  // All that must not depend on the cuts.
  std::string transcript() const;
  size_t bytes_played() const { return played_; }

  // The client's prepared statements follow it; so many are kept on a server.
  void follow_statements(int most = 10);

  // So do its settings, of which it begins with these.
  void follow_settings(ParameterSet::Values startup = {});

  ParameterTable table;
  StatementTable statements;
  Limits limits;
  ClientView client_view;
  ServerView server_view;

 private:
  void feed(std::string_view bytes, void (Talk::*reads)(std::string_view));
  void client_reads(std::string_view bytes);
  void server_reads(std::string_view bytes);
  void run_client();
  bool settle_client(const Progress& progress);
  bool settle_server(const Progress& progress, bool all_consumed);
  void drain(std::string& to, std::string& all);
  void record(const char* side, size_t position, const Progress& progress);

  const Cut cut_;
  std::vector<char> scratch_;
  Egress egress_;
  bool linked_ = false;
  bool wants_server_ = false;
  bool wants_room_ = false;
  bool closed_ = false;
  std::string parked_;  // of the client
  std::string to_server_, to_client_, needs_;
  std::string all_to_server_, all_to_client_, all_needs_;
  size_t client_position_ = 0;
  size_t server_position_ = 0;
  size_t played_ = 0;
};

// The case under one cut; the transcript is returned.
template <class Play>
std::string play_once(const Play& play, const Cut& cut, Release release, size_t* bytes = nullptr) {
  INFO(cut.name());
  Talk talk(cut, release);
  play(talk);
  if (bytes) *bytes = talk.bytes_played();
  return talk.transcript();
}

template <class Play>
void whole_and_bytewise(const Play& play, Release release = Release::transaction) {
  const std::string whole = play_once(play, Cut{Cut::kWhole, Egress::kMinScratch}, release);
  CHECK(play_once(play, Cut{Cut::kEveryByte}, release) == whole);
}

template <class Play>
void every_cut(const Play& play, Release release = Release::transaction) {
  size_t bytes = 0;
  const std::string whole = play_once(play, Cut{Cut::kWhole, Egress::kMinScratch}, release, &bytes);
  CHECK(play_once(play, Cut{Cut::kEveryByte}, release) == whole);
  for (size_t at = 1; at < bytes; ++at) {
    const std::string cut = play_once(play, Cut{at}, release);
    INFO("cut at " << at << " of " << bytes);
    CHECK(cut == whole);
  }
}

}  // namespace remuda::session::test
