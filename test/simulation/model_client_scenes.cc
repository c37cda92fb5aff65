// The scenes that a client plays. Most go on without waiting for the answers of the one before.
#include <utility>

#include "simulation/model_client.h"

namespace remuda::simulation {
namespace {

const std::string kSync = message('S');
const std::string kFlush = message('H');
const std::string kCopyDone = message('c');

}  // namespace

void ModelClient::plan() {
  if (random_.one_in(3)) wait();
  if (random_.one_in(80)) steps_.push_back({Kind::leave, ""});
  switch (random_.below(16)) {
    case 0:
    case 1:
    case 2:
      plan_copy();
      break;
    case 3:
      plan_strays();
      break;
    case 4:
      plan_flushed_batch();
      break;
    case 5:
    case 6:
    case 7:
      plan_query();
      break;
    case 8:
    case 9:
      plan_transaction();
      break;
    case 10:
      if (random_.one_in(40)) plan_flood();
      break;
    default:
      plan_batch();
  }
}

void ModelClient::plan_query() {
  switch (random_.below(10)) {
    case 0:
      say(message('Q', zero_ended(mark())));
      return;
    case 1:
      say(message('F', mark() + (random_.one_in(2) ? " error" : " fine")));
      return;
    default:
      break;
  }
  std::string text = " " + statement();
  while (random_.one_in(3)) text += "; " + statement();
  say(simple(text), random_.one_in(4));
}

// One batch or several, some without a Sync of their own, some cut by a Flush or a wait.
void ModelClient::plan_batch() {
  std::string bytes;
  const size_t requests = random_.between(1, 5);
  for (size_t i = 0; i < requests; ++i) {
    bytes += whole(random_.one_in(15) ? "unparsable" : statement(), random_.one_in(2));
    if (random_.one_in(3)) bytes += kFlush;
    if (random_.one_in(4)) bytes += kSync;
    if (random_.one_in(20)) bytes += simple(" " + statement());
    if (random_.one_in(4)) say(std::exchange(bytes, ""));
  }
  say(bytes + kSync);
  if (random_.one_in(10)) say(kSync);
}

void ModelClient::plan_transaction() {
  if (!habits_.opens_transactions) return;
  has_begun_ = true;
  const bool is_simple = random_.one_in(2);
  say(is_simple ? simple(" begin") : whole("begin", false) + kSync, random_.one_in(2));
  for (size_t n = random_.below(4); n > 0; --n) {
    if (random_.one_in(3)) {
      plan_batch();
    } else if (random_.one_in(4)) {
      plan_copy();
    } else {
      plan_query();
    }
    if (random_.one_in(3)) wait();
    if (random_.one_in(40)) steps_.push_back({Kind::leave, ""});
  }
  const std::string end = random_.pick_text({"commit", "rollback"});
  say(random_.one_in(2) ? simple(" " + end) : whole(end, false) + kSync);
}

// Data before the server wants them, or after it said so; simple or extended, there with the Sync
// that libpq sends at once, or without.
void ModelClient::plan_copy() {
  const std::string how =
      random_.pick_text({"fine", "fine", "early", "start", "row1", "row3", "end"});
  const bool is_simple = random_.one_in(2);
  if (is_simple) {
    const std::string behind = random_.one_in(3) ? "; copyin fine" : "";
    steps_.push_back({Kind::start_simple_copy, simple(" copyin " + how + behind), true});
  } else {
    const bool is_synced = random_.one_in(2);
    steps_.push_back({is_synced ? Kind::start_synced_copy : Kind::start_copy,
                      whole("copyin " + how, random_.one_in(2)) + (is_synced ? kSync : kFlush),
                      true});
  }
  if (random_.one_in(4)) {
    say(message('d', mark() + " optimistic") + kCopyDone);
    if (!is_simple) say(kSync);
  }
  steps_.push_back({Kind::go_on_with_copy, "", true});
}

void ModelClient::go_on_with_copy() {
  std::deque<Step> later = std::exchange(steps_, {});
  if (server_.is_copying()) {
    send_copy_data();
  } else if (has_early_sync_) {
    // A reply that tells what went before from a ReadyForQuery too many.
    if (server_.has_open_batch() || server_.is_skipping()) say(kSync, true);
    say(simple(" notice"), true);
    wait();
    has_early_sync_ = false;
  } else if (server_.has_open_batch() || server_.is_skipping()) {
    if (random_.one_in(2)) say(message('d', mark() + " late") + kCopyDone);
    say(kSync);
  }
  for (Step& step : later) steps_.push_back(std::move(step));
}

void ModelClient::send_copy_data() {
  for (size_t n = random_.below(6); n > 0; --n) {
    const size_t size = random_.below(random_.one_in(20) ? 90000 : 20);
    say(message('d', mark() + " " + std::string(size, 'c')));
    if (random_.one_in(8)) say(kFlush);
    if (random_.one_in(8)) steps_.push_back({Kind::early_sync, kSync});
  }
  say(random_.one_in(5) ? message('f', mark() + " gives up") : kCopyDone);
  if (!copy_is_simple_) say(kSync);
  steps_.push_back({Kind::go_on_with_copy, "", true});
}

void ModelClient::plan_strays() {
  for (size_t n = random_.between(1, 4); n > 0; --n) {
    say(random_.pick({message('d', mark() + " stray"), kCopyDone, kFlush, message('f', mark())}));
  }
}

// Everything answered, but the transaction still open.
void ModelClient::plan_flushed_batch() {
  std::string portal;
  const std::string bytes = prepare("select 3 10", &portal);
  say(bytes + run(portal, 1) + kFlush);
  if (random_.one_in(2)) {
    wait();
    if (random_.one_in(10)) steps_.push_back({Kind::leave, ""});
    say(message('d', mark() + " " + std::string(random_.below(300), 's')));
    if (random_.one_in(2)) say(run(portal, 1) + kFlush, true);
  }
  if (random_.one_in(2)) wait();
  say(random_.one_in(5) ? simple(" " + statement()) : run(portal) + kSync);
}

// More requests than a pipeline takes.
void ModelClient::plan_flood() {
  std::string bytes;
  for (size_t n = 5000; n > 0; --n) bytes += message('C', mark() + '\0');
  say(bytes + kSync);
}

// Leaves nothing open.
void ModelClient::settle() {
  if (server_.is_copying()) say(kCopyDone, true);
  if (server_.has_open_batch() || server_.is_skipping()) say(kSync, true);
  if (server_.status() != 'I') say(simple(" rollback"), true);
  say(simple(" select 1 1"), true);
  wait();
}

}  // namespace remuda::simulation
