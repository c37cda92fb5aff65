// A control loop without a daemon, with as many real workers as a test wants, and a console client
// that talks to it over a socket pair. All on the test's thread, but for the workers.
#pragma once

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "admin/console.h"
#include "proxy/worker.h"
#include "remuda/base/bytes.h"
#include "support/catch.h"
#include "unit/io/run_until.h"
#include "unit/io/sockets.h"

namespace remuda::admin {

class FakeControl final : public Control {
 public:
  explicit FakeControl(config::Config config = {}, size_t workers = 0) {
    snapshot_.config = std::make_shared<const config::Config>(std::move(config));
    snapshot_.users = std::make_shared<const config::UserList>();
    shared_.ledgers.adopt(snapshot_.config);
    for (size_t i = 0; i < workers; ++i) {
      workers_.push_back(std::make_unique<proxy::Worker>(shared_, static_cast<int>(i), snapshot_));
      shared_.workers.push_back(workers_.back().get());
    }
    for (auto& worker : workers_) {
      threads_.emplace_back([&worker = *worker] { worker.run(); });
    }
  }
  ~FakeControl() override {
    tasks_.close();
    io::run_until(loop_, [this] { return tasks_.size() == 0; });
    stop_workers();
    mailbox_.close();
  }

  void stop_workers() {
    for (auto& worker : workers_) {
      worker->post([&worker = *worker] { worker.stop(); });
    }
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  // Runs `body(Worker&)` on a worker and waits for its result.
  template <class Body>
  auto on_worker(size_t index, Body body) {
    using Result = std::invoke_result_t<Body&, proxy::Worker&>;
    std::optional<Result> result;
    workers_[index]->post([&] {
      result.emplace(body(*workers_[index]));
      mailbox_.post([this] { loop_.stop(); });
    });
    loop_.run();
    return *std::move(result);
  }

  proxy::Shared& shared() override { return shared_; }
  io::Loop& loop() override { return loop_; }
  io::Mailbox& mailbox() override { return mailbox_; }
  io::TaskScope& tasks() override { return tasks_; }
  const proxy::Snapshot& snapshot() const override { return snapshot_; }
  io::Task<bool> reload() override {
    ++reloads;
    co_return reload_succeeds;
  }
  bool set(const std::string& key, const std::string& value, std::string&) override {
    settings.emplace_back(key, value);
    return set_succeeds;
  }
  void shut_down(proxy::Shutdown how) override { shutdowns.push_back(how); }

  void set_suspended(bool on) override { shared_.suspended = on; }

  Consoles& consoles() { return consoles_; }

  int reloads = 0;
  bool reload_succeeds = true;
  bool set_succeeds = true;
  std::vector<std::pair<std::string, std::string>> settings;
  std::vector<proxy::Shutdown> shutdowns;

 private:
  proxy::Snapshot snapshot_;
  io::Loop loop_;
  io::Mailbox mailbox_{loop_};
  proxy::Shared shared_;
  io::TaskScope tasks_{loop_, "test"};
  Consoles consoles_{*this};
  std::vector<std::unique_ptr<proxy::Worker>> workers_;
  std::vector<std::thread> threads_;
};

struct Reply {
  char type;
  std::string body;
};

inline std::string message(char type, std::string_view body) {
  std::string out;
  wire::MessageBuilder(out, type).bytes(body).finish();
  return out;
}

// Whole messages; throws when bytes are left over.
inline std::vector<Reply> split(std::string_view bytes) {
  std::vector<Reply> all;
  while (!bytes.empty()) {
    if (bytes.size() < 5 || load_u32(bytes.data() + 1) + 1 > bytes.size()) {
      throw std::runtime_error("half a message");
    }
    const size_t size = load_u32(bytes.data() + 1) + 1;
    all.push_back({bytes[0], std::string(bytes.substr(5, size - 5))});
    bytes.remove_prefix(size);
  }
  return all;
}

// The fields of an error or a notice, as "SERROR|C08P01|Mtext|".
inline std::string fields_of(const Reply& reply) {
  std::string text = reply.body;
  std::replace(text.begin(), text.end(), '\0', '|');
  text.pop_back();
  return text;
}

struct ColumnSeen {
  std::string name;
  uint32_t type;
  bool operator==(const ColumnSeen&) const = default;
};

// The columns of a RowDescription, which must be of no table and in text format.
inline std::vector<ColumnSeen> columns_of(const Reply& reply) {
  std::vector<ColumnSeen> columns;
  size_t at = 2;
  for (int left = load_u16(reply.body.data()); left > 0; --left) {
    const std::string name = reply.body.c_str() + at;
    at += name.size() + 1;
    const char* fields = reply.body.data() + at;
    if (load_u32(fields) != 0 || load_u16(fields + 4) != 0 || load_u32(fields + 12) != 0xffffffff ||
        load_u16(fields + 16) != 0) {
      throw std::runtime_error("column " + name + " is not described as it should be");
    }
    columns.push_back({name, load_u32(fields + 6)});
    at += 18;
  }
  return columns;
}

inline std::vector<std::string> values_of(const Reply& reply) {
  std::vector<std::string> values;
  size_t at = 2;
  for (int left = load_u16(reply.body.data()); left > 0; --left) {
    const uint32_t size = load_u32(reply.body.data() + at);
    at += 4;
    values.push_back(size == 0xffffffff ? "NULL" : reply.body.substr(at, size));
    if (size != 0xffffffff) at += size;
  }
  return values;
}

class ConsoleClient {
 public:
  explicit ConsoleClient(FakeControl& control, bool is_admin = true, std::string user = "ann")
      : control_(control) {
    io::SocketPair pair = io::unix_pair();
    proxy::Admission admission;
    admission.parcel.fd = std::move(pair.ours);
    admission.parcel.is_unix = true;
    admission.database = "pgbouncer";
    admission.user = std::move(user);
    admission.is_admin = is_admin;
    admission.login_started = control.loop().now();
    admission.id = id = control.shared().next_id.fetch_add(1);
    admission.parameters = {{"application_name", "test"}};
    socket_ = std::move(pair.theirs);
    control.consoles().admit(std::move(admission));
    greeting = receive();
  }

  void send(std::string_view bytes) { io::send_all(socket_, bytes); }
  void type(std::string_view sql) {
    std::string out;
    wire::query(out, sql);
    send(out);
  }
  // What arrives up to the next ReadyForQuery, or to the end of the stream.
  std::string receive() {
    io::run_until(control_.loop(), [this] { return poll() || ended_; });
    return std::exchange(received_, std::string());
  }
  // Whether a whole answer is there.
  bool poll() {
    received_ += io::receive_now(socket_, &ended_);
    return received_.ends_with(std::string("Z\0\0\0\5I", 6));
  }
  bool ended() {
    io::run_until(control_.loop(), [this] {
      received_ += io::receive_now(socket_, &ended_);
      return ended_;
    });
    return ended_;
  }
  std::vector<Reply> ask(std::string_view sql) {
    type(sql);
    return split(receive());
  }
  // The tag of a command that must succeed with nothing but that.
  std::string tag(std::string_view sql) {
    const auto replies = ask(sql);
    if (replies.size() != 2 || replies[0].type != 'C') return "not just a tag";
    return replies[0].body.c_str();
  }
  // The fields of the error that a command must be refused with.
  std::string error(std::string_view sql) {
    const auto replies = ask(sql);
    if (replies.size() != 2 || replies[0].type != 'E') return "no error";
    return fields_of(replies[0]);
  }
  std::vector<std::vector<std::string>> rows(std::string_view sql) {
    std::vector<std::vector<std::string>> all;
    for (const Reply& reply : ask(sql)) {
      if (reply.type == 'D') all.push_back(values_of(reply));
    }
    return all;
  }
  void leave() { socket_.close(); }

  std::string greeting;
  uint64_t id = 0;

 private:
  FakeControl& control_;
  io::FileDescriptor socket_;
  std::string received_;
  bool ended_ = false;
};

}  // namespace remuda::admin
