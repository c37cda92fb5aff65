#include "failover/load.h"

#include <random>

namespace remuda::test {

double ms_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

void Load::prepare(const PostgresServer& primary) {
  primary.exec("ALTER DATABASE p0 SET synchronous_commit = on", "postgres");
  primary.exec(
      "CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL) "
      "WITH (fillfactor = 50)");
  primary.exec("INSERT INTO account SELECT i, 0 FROM generate_series(1, " +
               std::to_string(kAccounts) + ") i");
  primary.exec("CREATE TABLE transfer (client int, number int, PRIMARY KEY (client, number))");
}

Load::Load(const Remuda& remuda, int writers, int readers) : remuda_(remuda) {
  for (int i = 0; i < writers; ++i) threads_.emplace_back([this, i] { write(i); });
  for (int i = 0; i < readers; ++i) threads_.emplace_back([this, i] { read(i); });
}

void Load::end() {
  done_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Load::expect_commit_at(int port) {
  const std::lock_guard lock(mutex_);
  first_commit_ = {};
  expected_port_ = port;
}

Clock::time_point Load::first_commit() {
  eventually([this] { return expected_port_ == 0; });
  const std::lock_guard lock(mutex_);
  return first_commit_;
}

std::map<std::string, int> Load::take_errors() {
  const std::lock_guard lock(mutex_);
  return std::exchange(errors_, {});
}

double Load::take_longest_pause(bool of_writers) {
  const std::lock_guard lock(mutex_);
  return std::exchange(longest_pause_[of_writers], 0);
}

std::vector<std::string> Load::faults() {
  const std::lock_guard lock(mutex_);
  return faults_;
}

int Load::lost_on(const PostgresServer& server) {
  std::set<std::pair<int, int>> there;
  for (const Row& row : server.exec("SELECT client, number FROM transfer")) {
    there.emplace(std::stoi(*row[0]), std::stoi(*row[1]));
  }
  const std::lock_guard lock(mutex_);
  int lost = 0;
  for (const auto& transfer : acknowledged_) lost += !there.contains(transfer);
  return lost;
}

// Does the work again and again, on a new connection after each error.
template <class Work>
void Load::repeat(const std::string& dbname, const char* who, bool is_writer, Work work) {
  Clock::time_point last = Clock::now();
  while (!done_) {
    try {
      Pq connection = remuda_.connect(dbname);
      while (!done_) {
        work(connection);
        const Clock::time_point now = Clock::now();
        note_pause(is_writer, ms_between(last, now));
        last = now;
      }
    } catch (const PqError& error) {
      if (!done_) note_error(who, error);
    } catch (const std::exception& error) {
      note_fault(std::string(who) + ": " + error.what());
    }
  }
}

void Load::write(int number) {
  std::mt19937 random(static_cast<unsigned>(number));
  int transfers = 0;
  repeat("myapp", "writer", true, [&](Pq& connection) {
    int from = static_cast<int>(random() % kAccounts) + 1;
    int to = static_cast<int>(random() % kAccounts) + 1;
    if (from > to) std::swap(from, to);
    const auto add = [](int id, const char* amount) {
      return "UPDATE account SET balance = balance + " + std::string(amount) +
             " WHERE id = " + std::to_string(id);
    };
    ++transfers;
    connection.exec("BEGIN");
    connection.exec(add(from, "1") + "; " + add(to, "-1"));
    const std::string port =
        connection.value("INSERT INTO transfer VALUES (" + std::to_string(number) + ", " +
                         std::to_string(transfers) + ") RETURNING inet_server_port()");
    connection.exec("COMMIT");
    ++commits_;
    const std::lock_guard lock(mutex_);
    acknowledged_.emplace(number, transfers);
    if (expected_port_ != 0 && std::to_string(expected_port_) == port) {
      first_commit_ = Clock::now();
      expected_port_ = 0;
    }
  });
}

void Load::read(int) {
  repeat("myapp_readonly", "reader", false, [&](Pq& connection) {
    const Rows rows = connection.exec("SELECT sum(balance) FROM account");
    if (rows.at(0).at(0) != "0") note_fault("a reader saw the sum " + *rows.at(0).at(0));
    ++reads_;
  });
}

void Load::note_pause(bool is_writer, double pause) {
  const std::lock_guard lock(mutex_);
  longest_pause_[is_writer] = std::max(longest_pause_[is_writer], pause);
}

void Load::note_error(const char* who, const PqError& error) {
  const std::lock_guard lock(mutex_);
  ++errors_[std::string(who) + " " + error.sqlstate + " " + error.message.substr(0, 100)];
}

void Load::note_fault(const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (faults_.size() < 20) faults_.push_back(text);
}

}  // namespace remuda::test
