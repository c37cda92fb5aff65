#include "simulation/model_client.h"

#include <utility>

#include "remuda/base/bytes.h"

namespace remuda::simulation {
namespace {

size_t size_of_first(std::string_view bytes) {
  if (bytes.size() < 5) return 0;
  const size_t size = size_t{1} + load_u32(bytes.data() + 1);
  return bytes.size() < size ? 0 : size;
}

std::string printable(std::string_view bytes) {
  std::string text(bytes.substr(0, 300));
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '.';
  }
  return text;
}

// May come at any time and says nothing about our requests.
bool is_asynchronous(std::string_view message) {
  return message == simulation::message('N', "async");
}

}  // namespace

ModelClient::ModelClient(size_t number, uint64_t seed, const Habits& habits, Parameters startup)
    : number_(number),
      random_(seed),
      habits_(habits),
      startup_(std::move(startup)),
      server_(habits.reports_late),
      scenes_left_(habits.scenes) {
  for (const auto& [name, value] : startup_) server_.start_with(name, value);
}

std::string ModelClient::act() {
  while (!wants_to_leave_) {
    if (steps_.empty()) {
      if (scenes_left_ == 0) return "";
      --scenes_left_;
      plan();
      if (scenes_left_ == 0) steps_.push_back({Kind::settle, "", true});
      continue;
    }
    if (steps_.front().waits && !is_answered()) return "";
    const Step step = std::move(steps_.front());
    steps_.pop_front();
    note(step.kind);
    if (step.bytes.empty()) continue;
    send(step.bytes);
    return step.bytes;
  }
  return "";
}

void ModelClient::note(Kind kind) {
  switch (kind) {
    case Kind::start_simple_copy:
    case Kind::start_copy:
    case Kind::start_synced_copy:
      copy_is_simple_ = kind == Kind::start_simple_copy;
      has_early_sync_ = kind == Kind::start_synced_copy;
      has_sent_early_sync_ |= has_early_sync_;
      is_ready_due_ = true;
      break;
    case Kind::early_sync:
      has_early_sync_ = has_sent_early_sync_ = true;
      break;
    case Kind::leave:
      wants_to_leave_ = true;
      break;
    case Kind::go_on_with_copy:
      go_on_with_copy();
      break;
    case Kind::settle:
      settle();
      break;
    default:
      break;
  }
}

void ModelClient::send(const std::string& bytes) {
  const size_t before = server_.output().size();
  server_.read(bytes);
  remember('>', bytes);
  // When a COPY with an early Sync fails, every ReadyForQuery but the first is uncertain.
  const std::string_view all = server_.output();
  for (size_t at = before; at < all.size(); at += size_of_first(all.substr(at))) {
    if (all[at] != 'Z' || std::exchange(is_ready_due_, false)) continue;
    if (has_early_sync_) optional_.insert(position_ + at);
  }
}

bool ModelClient::is_answered() const {
  const std::string_view left = server_.output().substr(0, server_.flushed());
  for (size_t at = 0; at < left.size();) {
    const size_t size = size_of_first(left.substr(at));
    if (size == 0) return true;  // the last one is flushed in part only
    if (!is_optional(position_ + at)) return false;
    at += size;
  }
  return true;
}

void ModelClient::receive(std::string_view bytes) {
  received_bytes_ += bytes;
  size_t at = 0;
  while (violation_.empty()) {
    const std::string_view left = std::string_view(received_bytes_).substr(at);
    const size_t size = size_of_first(left);
    if (size == 0) break;
    ++received_;
    remember('<', left.substr(0, size));
    expect(left.substr(0, size));
    at += size;
  }
  received_bytes_.erase(0, at);
}

void ModelClient::expect(std::string_view message) {
  if (is_asynchronous(message)) return;
  while (true) {
    const std::string_view output = server_.output();
    const size_t size = size_of_first(output);
    const bool is_it = size > 0 && output.substr(0, size) == message;
    if (!is_it && message.substr(5).starts_with("FATAL")) {
      is_cut_off_ = true;
      return;
    }
    if (!is_it && (size == 0 || !is_optional(position_))) {
      violation_ = "client " + std::to_string(number_) + " got '" + printable(message) +
                   "' instead of '" + printable(output.substr(0, size)) + "'; " + state();
      return;
    }
    optional_.erase(position_);
    position_ += size;
    server_.take(size);
    if (is_it) break;
  }
  if (server_.is_closed() && server_.output().empty()) is_cut_off_ = true;
}

void ModelClient::remember(char direction, std::string_view messages) {
  history_ += direction;
  for (size_t at = 0; at < messages.size(); at += size_of_first(messages.substr(at))) {
    history_ += messages[at];
    if (messages[at] == 'Z') history_ += messages[at + 5];
  }
  if (history_.size() > 1000) history_.erase(0, 500);
}

// ---- Requests ---------------------------------------------------------------------------------

std::string ModelClient::mark() {
  return "@" + std::to_string(number_) + "." + std::to_string(++requests_);
}

std::string ModelClient::statement() {
  switch (random_.below(12)) {
    case 0:
      return "error";
    case 1:
      return "notice";
    case 2:
      return "copyout " + std::to_string(random_.below(5));
    case 3:
      return "set TimeZone " + random_.pick_text({"UTC", "Europe/Rome", "Asia/Tokyo"});
    case 4:
      return "set application_name " + random_.pick_text({"a", "it's", "\\", "\xc3\xbc\\"});
    case 5:
      return "set DateStyle " + random_.pick_text({"iso", "German", "ISO"});
    case 6:
      return "set search_path " + random_.pick_text({"\"a\",b", "A", "a"});
    case 7:
      return "select 2 " + std::to_string(random_.below(random_.one_in(20) ? 70000 : 500));
    default:
      return "select " + std::to_string(random_.below(4)) + " " + std::to_string(random_.below(9));
  }
}

std::string ModelClient::simple(const std::string& statements) {
  return message('Q', zero_ended(mark() + statements));
}

std::string ModelClient::prepare(const std::string& text, std::string* portal) {
  const std::string parse =
      message('P', zero_ended(mark() + " " + text) + zero_ended("") + zero_ended(""));
  *portal = mark();
  return parse + message('B', zero_ended(*portal) + zero_ended(""));
}

std::string ModelClient::run(const std::string& portal, uint32_t limit) {
  std::string count(4, '\0');
  store_u32(count.data(), limit);
  return message('E', zero_ended(portal) + count);
}

std::string ModelClient::whole(const std::string& text, bool described) {
  std::string portal;
  std::string bytes = prepare(text, &portal);
  if (described) bytes += message('D', zero_ended(portal));
  if (!text.starts_with("select") || random_.one_in(2)) return bytes + run(portal);
  bytes += run(portal, 1);
  if (random_.one_in(2)) bytes += run(portal);
  if (random_.one_in(2)) bytes += message('C', zero_ended(portal));
  return bytes;
}

std::string ModelClient::state() const {
  return "client " + std::to_string(number_) + ": " + std::to_string(steps_.size()) + " steps, " +
         std::to_string(scenes_left_) + " scenes left, expects " +
         std::to_string(server_.flushed()) + " bytes, status " + server_.status() +
         (server_.has_open_batch() ? ", open batch" : "") +
         (server_.is_copying() ? ", copying" : "") + (server_.is_skipping() ? ", skipping" : "") +
         (is_answered() ? ", answered" : "") + ", history " + history_;
}

}  // namespace remuda::simulation
