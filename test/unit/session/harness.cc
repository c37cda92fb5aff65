#include "unit/session/harness.h"

#include <algorithm>

#include "remuda/wire/builder.h"

namespace remuda::session::test {
namespace {

std::string need_text(const Progress& progress) {
  switch (progress.need) {
    case Need::server:
      return "server";
    case Need::release:
      return "release";
    case Need::resend:
      return "resend";
    case Need::terminate:
      return "terminate";
    case Need::fail:
      return std::string("fail: ") + progress.fault->text;
    default:
      return "";
  }
}

// As REQUIRE, but fast enough to be asked for every byte.
void must(bool holds, const char* what) {
  if (!holds) FAIL(what);
}

// Bytes of a message that is held back.
size_t held(const FrameState& frame) {
  return frame.assembly ? frame.assembly->size() : frame.header_size;
}

std::string flag(const char* name, bool set) {
  return std::string(set ? " " : " no ") + name;
}

}  // namespace

std::string Cut::name() const {
  if (position == kWhole) return "played whole";
  if (position == kEveryByte) return "played byte by byte";
  return "cut at " + std::to_string(position);
}

Talk::Talk(Cut cut, Release release) : cut_(cut), scratch_(cut.scratch), egress_(scratch_) {
  client_view.release = release;
  client_view.parameters = server_view.parameters = server_view.reported =
      table.intern({{"DateStyle", "ISO, MDY"}, {"TimeZone", "UTC"}});
  server_view.settings = SettingsJournal(table.empty_set());
}

Talk::~Talk() = default;

void Talk::follow_statements(int most) {
  limits.max_prepared_statements = most;
  limits.statements = &statements;
}

void Talk::follow_settings(ParameterSet::Values startup) {
  client_view.settings = client_view.startup_settings = table.intern(std::move(startup));
}

void Talk::link() {
  linked_ = true;
  wants_server_ = false;
  session::link(client_view, server_view);
  if (server_view.settings.needs_replay()) {
    std::string query;
    wire::query(query, replay_sql(client_view, server_view));
    expect_internal_query(server_view);
    to_server_ += query;
    all_to_server_ += query;
  }
  run_client();
}

void Talk::unlink() {
  linked_ = false;
  session::unlink(client_view, server_view);
}

void Talk::next_client() {
  client_view = ClientView{};
  client_view.release = Release::transaction;
  client_view.parameters = server_view.reported;
  parked_.clear();
  linked_ = wants_server_ = wants_room_ = closed_ = false;
}

bool Talk::reusable() const {
  return server_view.is_quiet() && !server_view.suspect && client_view.frame.at_boundary();
}

void Talk::feed(std::string_view bytes, void (Talk::*reads)(std::string_view)) {
  while (!bytes.empty() && !closed_) {
    size_t n = bytes.size();
    if (cut_.position == Cut::kEveryByte) n = 1;
    if (cut_.position > played_) n = std::min(n, cut_.position - played_);
    played_ += n;
    (this->*reads)(bytes.substr(0, n));
    bytes.remove_prefix(n);
  }
}

void Talk::client_reads(std::string_view bytes) {
  parked_ += bytes;
  if (!wants_server_ && !wants_room_) run_client();
}

void Talk::run_client() {
  wants_room_ = false;
  while (true) {
    // A copy of exactly its size, so that the sanitizer sees a read beyond it.
    const std::vector<char> buffer(parked_.begin(), parked_.end());
    const Progress progress = from_client(client_view, linked_ ? &server_view : nullptr,
                                          {buffer.data(), buffer.size()}, egress_, limits);
    must(linked_ || egress_.empty(), "bytes for a peer that is not there");
    must(progress.need != Need::flush || !egress_.empty(), "flush needed with nothing to send");
    must(progress.consumed <= buffer.size(), "more consumed than there was");
    drain(to_server_, all_to_server_);
    const bool is_answered = linked_ && has_answers(server_view);
    while (linked_ && has_answers(server_view)) {
      take_answers(server_view, egress_);
      drain(to_client_, all_to_client_);
    }
    if (!settle_client(progress)) {
      if (progress.need != Need::room || !is_answered) return;
      wants_room_ = false;
    }
  }
}

// True when there is more to do.
bool Talk::settle_client(const Progress& progress) {
  client_position_ += progress.consumed;
  parked_.erase(0, progress.consumed);
  record("client", client_position_ - held(client_view.frame), progress);
  switch (progress.need) {
    case Need::none:
      must(parked_.empty(), "bytes left over");
      return false;
    case Need::flush:
      return true;
    case Need::release:
      unlink();
      return true;
    case Need::server:
      must(!linked_, "it has a server");
      wants_server_ = true;
      return false;
    case Need::room:
      wants_room_ = true;
      return false;
    default:
      closed_ = true;
      return false;
  }
}

void Talk::server_reads(std::string_view bytes) {
  while (true) {
    const std::vector<char> buffer(bytes.begin(), bytes.end());
    const Progress progress = from_server(server_view, linked_ ? &client_view : nullptr,
                                          {buffer.data(), buffer.size()}, egress_, limits);
    must(linked_ || egress_.empty(), "bytes for a peer that is not there");
    must(progress.need != Need::flush || !egress_.empty(), "flush needed with nothing to send");
    must(progress.consumed <= buffer.size(), "more consumed than there was");
    drain(to_client_, all_to_client_);
    bytes.remove_prefix(progress.consumed);
    if (!settle_server(progress, bytes.empty())) break;
    if (bytes.empty()) break;
  }
  if (wants_room_) run_client();
}

bool Talk::settle_server(const Progress& progress, bool all_consumed) {
  server_position_ += progress.consumed;
  record("server", server_position_ - held(server_view.frame), progress);
  switch (progress.need) {
    case Need::none:
      must(all_consumed, "bytes left over");
      return false;
    case Need::flush:
      return true;
    case Need::resend:
      put_second_try(server_view, egress_);
      drain(to_server_, all_to_server_);
      return true;
    case Need::release:
      unlink();
      return true;
    case Need::fail:
      closed_ = true;
      return false;
    default:
      FAIL("a server's bytes cannot need this");
      return false;
  }
}

void Talk::drain(std::string& to, std::string& all) {
  for (const iovec& run : egress_.runs()) {
    to.append(static_cast<const char*>(run.iov_base), run.iov_len);
    all.append(static_cast<const char*>(run.iov_base), run.iov_len);
  }
  egress_.clear();
}

void Talk::record(const char* side, size_t position, const Progress& progress) {
  const std::string text = need_text(progress);
  if (text.empty()) return;
  needs_ += (needs_.empty() ? "" : " ") + text;
  all_needs_ += std::string(side) + " " + std::to_string(position) + ": " + text + "\n";
}

std::string Talk::transcript() const {
  const ServerView& s = server_view;
  return all_needs_ + "to server: " + all_to_server_ + "\nto client: " + all_to_client_ + "\n" +
         "owed " + std::to_string(s.pipeline.size()) + ", status " + static_cast<char>(s.status) +
         flag("copy", s.copy_in) + flag("skipping", s.skipping) + flag("suspect", s.suspect) +
         flag("whole server message", s.frame.at_boundary()) + flag("linked", linked_) +
         flag("reusable", !closed_ && reusable()) + flag("in query", client_view.in_query) +
         flag("in transaction", client_view.in_transaction) + flag("lost", s.settings.is_lost()) +
         flag("whole client message", client_view.frame.at_boundary());
}

}  // namespace remuda::session::test
