#include "macro/load_thread.h"

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace remuda::bench {
namespace {

using State = LoadClient::State;

constexpr Nanos kSecondNanos = 1000000000;
constexpr Nanos kMillisecondNanos = 1000000;
constexpr Nanos kLoginPatience = 120 * kSecondNanos;  // for all logins of a connect step
constexpr Nanos kQueryPatience = 120 * kSecondNanos;  // for one query of every client
constexpr Nanos kAnswerPatience = 10 * kSecondNanos;  // for the last answers of a run
constexpr int kSlowReceiveBuffer = 64 * 1024;  // else the kernel reads ahead for slow readers
constexpr double kSlowReadsPerSecond = 50;

std::string system_text(const char* what) {
  return std::string(what) + ": " + strerror(errno);
}

std::string channel_text(const char* what, const Channel& channel) {
  if (channel.tls_fault().empty()) return system_text(what);
  return "TLS: " + channel.tls_fault();
}

}  // namespace

LoadThread::LoadThread(const LoadOptions& options, size_t first_client, size_t count)
    : options_(options),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      logins_(options.workload.mode == Mode::login),
      input_(256 * 1024, '\0') {
  prctl(PR_SET_TIMERSLACK,
        1);  // inherited by the threads that run steps: a schedule is kept to 1 us
  for (size_t i = 0; i < count; ++i) {
    clients_.push_back(std::make_unique<LoadClient>(i, first_client + i));
  }
}

LoadThread::~LoadThread() {
  for (auto& client : clients_) leave(*client);
  ::close(epoll_);
}

size_t LoadThread::connected() const {
  return static_cast<size_t>(
      std::count_if(clients_.begin(), clients_.end(),
                    [](const auto& client) { return client->state == State::idle; }));
}

void LoadThread::connect_all() {
  if (logins_) return;
  const Nanos deadline = now() + kLoginPatience;
  size_t next = 0;
  while ((next < clients_.size() || outstanding_ > 0) && now() < deadline) {
    while (next < clients_.size() && outstanding_ < options_.connecting) {
      begin_connect(*clients_[next++]);
    }
    if (outstanding_ > 0) turn(deadline);
  }
  for (auto& client : clients_) {
    if (client->outstanding()) lose(*client, "not logged in within 120 s");
  }
}

void LoadThread::run(Nanos length) {
  start_run(length, options_.rate);
  for (auto& client : clients_) on_idle(*client);
  while (now() < end_) {
    Nanos until = end_;
    if (interval_ > 0) {
      release_due(now());
      until =
          std::min(until, start_ + static_cast<Nanos>(static_cast<double>(released_) * interval_));
    } else if (outstanding_ == 0 && lost_.empty()) {
      break;  // every client is lost
    }
    if (!lost_.empty()) until = std::min(until, now() + kMillisecondNanos);
    turn(until);
    for (LoadClient* client : std::exchange(lost_, {})) on_idle(*client);
  }
  finish_run();
}

void LoadThread::query_once(size_t at_most) {
  start_run(kQueryPatience, 0);
  once_ = true;
  size_t next = 0;
  while ((next < clients_.size() || outstanding_ > 0) && now() < end_) {
    while (next < clients_.size() && outstanding_ < at_most) on_idle(*clients_[next++]);
    if (outstanding_ > 0) turn(end_);
  }
  finish_run();
  once_ = false;
}

void LoadThread::start_run(Nanos length, double rate) {
  start_ = now();
  end_ = start_ + length;
  running_ = true;
  released_ = 0;
  interval_ = 0;
  if (rate > 0 && !clients_.empty()) {
    const double share =
        static_cast<double>(clients_.size()) / static_cast<double>(options_.clients);
    interval_ = static_cast<double>(kSecondNanos) / (rate * share);
  }
  for (auto& client : clients_) client->due = client->sent = 0;
}

void LoadThread::finish_run() {
  if (interval_ > 0) release_due(end_);  // what the last turn was too late for
  running_ = false;
  lost_.clear();
  if (options_.read_rate > 0) {
    abandon_answers();
  } else {
    await_last_answers();
  }
  lost_.clear();
  if (interval_ > 0) charge_unsent();
}

void LoadThread::await_last_answers() {
  const Nanos deadline = end_ + kAnswerPatience;
  while (outstanding_ > 0 && now() < deadline) turn(deadline);
  for (auto& client : clients_) {
    if (client->outstanding()) lose(*client, "no answer within 10 s of the end");
  }
}

// Slow readers are amid an answer at the end of a run, and that is no fault.
void LoadThread::abandon_answers() {
  for (auto& client : clients_) {
    if (!client->outstanding()) continue;
    enter(*client, State::closed);
    client->close();
  }
}

// Requests that were due and never sent have waited until now at least.
void LoadThread::charge_unsent() {
  for (const auto& client : clients_) {
    for (uint64_t turn = client->sent; turn < client->due; ++turn) {
      totals_.record(end_ - due_time(client->index, turn));
      ++totals_.unsent;
    }
  }
}

void LoadThread::release_due(Nanos at) {
  const Nanos until = std::min(at, end_);
  while (start_ + static_cast<Nanos>(static_cast<double>(released_) * interval_) < until) {
    LoadClient& client = *clients_[released_++ % clients_.size()];
    ++client.due;
    on_idle(client);
  }
}

Nanos LoadThread::due_time(size_t client, uint64_t turn) const {
  const auto place = static_cast<double>(turn * clients_.size() + client);
  return start_ + static_cast<Nanos>(place * interval_);
}

bool LoadThread::may_send(const LoadClient& client) const {
  if (!running_ || client.state != (logins_ ? State::closed : State::idle)) return false;
  if (once_ && client.sent > 0) return false;
  if (interval_ > 0 && client.sent >= client.due) return false;
  return now() < end_;
}

void LoadThread::turn(Nanos until) {
  wake_rested();
  if (!resting_.empty()) until = std::min(until, resting_.begin()->first);
  const Nanos wait = std::max<Nanos>(until - now(), 0);
  const timespec timeout{wait / kSecondNanos, wait % kSecondNanos};
  epoll_event events[256];
  const int count = epoll_pwait2(epoll_, events, 256, &timeout, nullptr);
  for (int i = 0; i < count; ++i) {
    on_event(*static_cast<LoadClient*>(events[i].data.ptr), events[i].events);
  }
}

void LoadThread::on_event(LoadClient& client, uint32_t events) {
  if (client.state == State::connecting) return on_connected(client);
  if (client.state == State::shaking) return shake_hands(client);
  if ((events & EPOLLOUT) != 0) flush(client);
  if (client.state == State::closed || (events & ~uint32_t{EPOLLOUT}) == 0) return;
  if (client.state == State::asking) return on_tls_answer(client);
  on_readable(client);
}

void LoadThread::on_connected(LoadClient& client) {
  int fault = 0;
  socklen_t size = sizeof fault;
  getsockopt(client.channel.fd(), SOL_SOCKET, SO_ERROR, &fault, &size);
  errno = fault;
  if (fault != 0) return lose(client, system_text("connect"));
  await_readable(client);
  if (!options_.tls) return send_startup(client);
  enter(client, State::asking);
  put_tls_request(client.unsent);
  flush(client);
}

void LoadThread::on_tls_answer(LoadClient& client) {
  char answer = 0;
  const ssize_t got = client.channel.receive(&answer, 1);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got < 0) return lose(client, system_text("recv"));
  if (got == 0) return lose(client, "the connection was closed");
  if (answer != 'S') return lose(client, "the server does not do TLS");
  enter(client, State::shaking);
  client.channel.begin_tls(tls_);
  shake_hands(client);
}

void LoadThread::shake_hands(LoadClient& client) {
  const auto state = client.channel.handshake();
  if (state == Channel::Handshake::failed) return lose(client, channel_text("", client.channel));
  const bool wants_room = state == Channel::Handshake::wants_write;
  if (wants_room != client.waits_for_room) {
    client.waits_for_room = wants_room;
    await_readable(client);
  }
  if (state == Channel::Handshake::done) send_startup(client);
}

void LoadThread::send_startup(LoadClient& client) {
  enter(client, State::starting);
  client.replies.expect_ready();
  put_startup(client.unsent, options_.user, options_.dbname);
  flush(client);
}

void LoadThread::on_readable(LoadClient& client) {
  do {
    const ssize_t got = client.channel.receive(input_.data(), most_to_read());
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got < 0) return lose(client, channel_text("recv", client.channel));
    const std::string fault = client.replies.fault();
    if (got == 0) return lose(client, fault.empty() ? "the connection was closed" : fault);
    totals_.bytes += static_cast<uint64_t>(got);
    take_bytes(client, {input_.data(), static_cast<size_t>(got)});
    if (options_.read_rate > 0) return rest(client, static_cast<size_t>(got));
  } while (client.channel.has_pending());
}

size_t LoadThread::most_to_read() const {
  if (options_.read_rate <= 0) return input_.size();
  const double share = std::max(options_.read_rate / kSlowReadsPerSecond, 1024.0);
  return std::min(input_.size(), static_cast<size_t>(share));
}

// For as long as its rate gives it for so many bytes.
void LoadThread::rest(LoadClient& client, size_t bytes) {
  if (client.state == State::closed) return;
  const double nanos = static_cast<double>(bytes) / options_.read_rate * kSecondNanos;
  client.rests_until = now() + static_cast<Nanos>(nanos);
  resting_.emplace(client.rests_until, &client);
  watch(epoll_, client.channel.fd(), 0, &client, false);
}

void LoadThread::wake_rested() {
  const Nanos at = now();
  while (!resting_.empty() && resting_.begin()->first <= at) {
    const auto [until, client] = *resting_.begin();
    resting_.erase(resting_.begin());
    if (client->rests_until != until) continue;
    client->rests_until = 0;
    await_readable(*client);
  }
}

void LoadThread::await_readable(LoadClient& client) {
  const uint32_t events = client.waits_for_room ? EPOLLIN | EPOLLOUT : EPOLLIN;
  watch(epoll_, client.channel.fd(), events, &client, false);
}

void LoadThread::take_bytes(LoadClient& client, std::string_view bytes) {
  client.replies.feed(bytes);
  if (client.state == State::starting && !answer_authentication(client)) return;
  const std::string& fault = client.replies.fault();
  const bool expected = client.state == State::busy || client.state == State::preparing;
  if (client.replies.wrong() || (!fault.empty() && !expected)) {
    return lose(client, std::string(fault), client.replies.wrong());
  }
  if (client.replies.ready() && client.state != State::idle) on_ready(client);
}

// False when the client is lost.
bool LoadThread::answer_authentication(LoadClient& client) {
  const std::string request = client.replies.take_authentication();
  if (request.empty()) return true;
  if (client.scram.answer(request, options_.password, scram_keys_, client.unsent)) {
    if (!client.unsent.empty()) flush(client);
  } else {
    lose(client, std::string(client.scram.fault()));
  }
  return client.state != State::closed;
}

void LoadThread::on_ready(LoadClient& client) {
  if (client.state == State::busy) return on_answer(client);
  if (!client.replies.fault().empty()) return lose(client, std::string(client.replies.fault()));
  if (client.state == State::starting && !options_.password.empty() && !client.scram.done()) {
    return lose(client, "let in without a password", true);
  }
  if (logins_) return send_request(client);
  if (client.state == State::starting && options_.workload.mode == Mode::prepared) {
    enter(client, State::preparing);
    client.replies.expect_ready();
    put_preparation(client.unsent, options_.workload);
    return flush(client);
  }
  enter(client, State::idle);
}

void LoadThread::on_answer(LoadClient& client) {
  const Nanos at = now();
  if (!client.replies.fault().empty()) {
    totals_.fail(client.replies.fault(), false);
  } else {
    totals_.record(at - client.began);
    totals_.completed += options_.workload.depth;
    if (at <= end_) totals_.in_time += options_.workload.depth;
  }
  if (logins_ && !options_.stay) {
    leave(client);
  } else {
    enter(client, State::idle);
  }
  on_idle(client);
}

void LoadThread::on_idle(LoadClient& client) {
  if (may_send(client)) begin_request(client);
}

void LoadThread::begin_request(LoadClient& client) {
  client.began = interval_ > 0 ? due_time(client.index, client.sent) : now();
  if (once_ && options_.stay)
    client.began = start_;  // all come at once, also those we come to last
  ++client.sent;
  if (logins_) return begin_connect(client);
  send_request(client);
}

void LoadThread::begin_connect(LoadClient& client) {
  if (!client.channel.open(options_.endpoint)) return lose(client, system_text("connect"));
  if (options_.read_rate > 0) {
    setsockopt(client.channel.fd(), SOL_SOCKET, SO_RCVBUF, &kSlowReceiveBuffer,
               sizeof kSlowReceiveBuffer);
  }
  enter(client, State::connecting);
  watch(epoll_, client.channel.fd(), EPOLLOUT, &client, true);
}

void LoadThread::send_request(LoadClient& client) {
  enter(client, State::busy);
  client.replies.expect_answers(options_.workload, client.number);
  put_request(client.unsent, options_.workload, client.number);
  client.number += static_cast<int64_t>(options_.workload.depth);
  flush(client);
}

// Sends what is unsent; what the socket does not take now goes when there is room.
void LoadThread::flush(LoadClient& client) {
  const bool was_waiting = client.waits_for_room;
  const ssize_t sent = client.channel.send(client.unsent);
  if (sent < 0 && errno != EAGAIN) return lose(client, channel_text("send", client.channel));
  client.unsent.erase(0, static_cast<size_t>(std::max<ssize_t>(sent, 0)));
  client.waits_for_room = !client.unsent.empty();
  if (client.waits_for_room != was_waiting) await_readable(client);
}

void LoadThread::leave(LoadClient& client) {
  if (client.state == State::idle || client.state == State::busy) {
    std::string goodbye;
    put_terminate(goodbye);
    if (client.channel.send(goodbye) < 0) errno = 0;
    client.channel.shut_down();
  }
  enter(client, State::closed);
  client.close();
}

void LoadThread::lose(LoadClient& client, const std::string& why, bool wrong) {
  totals_.fail(why, wrong);
  enter(client, State::closed);
  client.close();
  if (logins_) lost_.push_back(&client);
}

void LoadThread::enter(LoadClient& client, State state) {
  if (client.outstanding()) --outstanding_;
  client.state = state;
  if (client.outstanding()) ++outstanding_;
}

}  // namespace remuda::bench
