// A client that plays random scenes: queries, batches, pipelines, COPY, transactions, strays.
// It keeps a ModelServer of its own, and whatever it receives must be, in order and complete, what
// that one answered. Only one thing may be missing, as it may with PostgreSQL: when a COPY fails
// around which the client sent a Sync too early, how many ReadyForQuery follow depends on who was
// faster.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <string_view>

#include "simulation/model_server.h"
#include "simulation/random.h"

namespace remuda::simulation {

class ModelClient {
 public:
  using Parameters = ModelServer::Parameters;

  struct Habits {
    size_t scenes = 10;
    bool opens_transactions = true;
    bool reports_late = false;  // as its server does
  };

  // `startup` holds what it asked for when it logged in.
  ModelClient(size_t number, uint64_t seed, const Habits& habits, Parameters startup);

  const Parameters& startup() const { return startup_; }

  // Its next move: bytes to send, empty when it waits for an answer or has finished.
  std::string act();
  // Bytes from the pooler. A reply it did not expect is a violation.
  void receive(std::string_view bytes);

  // It has said all it had to say, and has all answers that were flushed.
  bool is_finished() const { return scenes_left_ == 0 && steps_.empty() && is_answered(); }
  bool is_answered() const;
  // It is owed nothing and has left nothing open: it needs no server.
  bool is_at_rest() const { return is_answered() && server_.is_clean() && optional_.empty(); }
  bool wants_to_leave() const { return wants_to_leave_; }
  bool has_begun() const { return has_begun_; }                      // a transaction block, ever
  bool has_sent_early_sync() const { return has_sent_early_sync_; }  // ever
  // It knows that its server has ended.
  bool is_cut_off() const { return is_cut_off_; }
  const std::string& violation() const { return violation_; }
  uint64_t messages() const { return server_.messages() + received_; }
  std::string state() const;

 private:
  enum class Kind {
    send,
    start_simple_copy,
    start_copy,
    start_synced_copy,  // with the Sync behind it that the server will ignore
    early_sync,         // inside a copy
    wait,
    leave,
    go_on_with_copy,  // decided when its turn comes: does the server want data?
    settle,           // decided too: end what is open
  };
  struct Step {
    Kind kind = Kind::send;
    std::string bytes;
    bool waits = false;  // for all answers
  };

  void plan();
  void plan_query();
  void plan_batch();
  void plan_transaction();
  void plan_copy();
  void plan_strays();
  void plan_flushed_batch();
  void plan_flood();
  void go_on_with_copy();
  void send_copy_data();
  void settle();

  void say(std::string bytes, bool waits = false) {
    steps_.push_back({Kind::send, std::move(bytes), waits});
  }
  void wait() { steps_.push_back({Kind::wait, "", true}); }
  void note(Kind kind);
  void send(const std::string& bytes);

  std::string mark();
  std::string statement();
  std::string simple(const std::string& statements);
  std::string prepare(const std::string& statement, std::string* portal);
  std::string run(const std::string& portal, uint32_t limit = 0);
  std::string whole(const std::string& statement, bool described);

  void expect(std::string_view message);
  void remember(char direction, std::string_view messages);
  bool is_optional(uint64_t at) const { return optional_.count(at) > 0; }

  const size_t number_;
  Random random_;
  const Habits habits_;
  Parameters startup_;
  ModelServer server_;
  std::deque<Step> steps_;
  size_t scenes_left_;
  size_t requests_ = 0;
  bool has_begun_ = false;
  bool has_sent_early_sync_ = false;
  bool wants_to_leave_ = false;

  std::string received_bytes_;
  uint64_t received_ = 0;
  uint64_t position_ = 0;        // of the next expected reply, counted over all
  std::set<uint64_t> optional_;  // where a ReadyForQuery may be missing
  bool copy_is_simple_ = false;
  bool has_early_sync_ = false;  // around the COPY that runs
  bool is_ready_due_ = false;    // of that COPY; the first is certain
  bool is_cut_off_ = false;
  std::string violation_;
  std::string history_;  // the last types sent and received, for who looks for a fault
};

}  // namespace remuda::simulation
