#include "support/load.h"

#include <algorithm>

namespace remuda::test {

double ms_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

// What is acknowledged is on its way to the standbys.
void Load::prepare(const Address& primary) {
  Pq(primary).exec("ALTER DATABASE p0 SET synchronous_commit = on");
  Pq connection(primary);
  connection.exec("DROP TABLE IF EXISTS account, transfer, heart");
  connection.exec(
      "CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL) "
      "WITH (fillfactor = 50)");
  connection.exec("INSERT INTO account SELECT i, 0 FROM generate_series(1, " +
                  std::to_string(kAccounts) + ") i");
  connection.exec("CREATE TABLE transfer (client int, number int, PRIMARY KEY (client, number))");
  connection.exec("CREATE TABLE heart (beat bigint)");
  connection.exec("INSERT INTO heart VALUES (0)");
}

Load::Load(const Remuda& remuda, const Clients& clients) : remuda_(remuda), clients_(clients) {
  for (int i = 0; i < clients.writers; ++i) threads_.emplace_back([this, i] { write(i); });
  for (int i = 0; i < clients.readers; ++i) threads_.emplace_back([this, i] { read(i); });
  threads_.emplace_back([this] { beat(); });
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

int Load::take_needless() {
  const std::lock_guard lock(mutex_);
  return std::exchange(needless_, 0);
}

int Load::take_count() {
  const std::lock_guard lock(mutex_);
  return std::exchange(count_, 0);
}

double Load::take_oldest_read() {
  const std::lock_guard lock(mutex_);
  return std::exchange(oldest_read_, 0);
}

double Load::take_longest_pause(bool of_writers) {
  const std::lock_guard lock(mutex_);
  return std::exchange(longest_pause_[of_writers], 0);
}

uint64_t Load::reads_at(int port) {
  const std::lock_guard lock(mutex_);
  return reads_at_[std::to_string(port)];
}

std::vector<std::string> Load::faults() {
  const std::lock_guard lock(mutex_);
  return faults_;
}

Load::Audit Load::audit(const Address& primary) {
  std::set<Transfer> there;
  for (const Row& row : Pq(primary).exec("SELECT client, number FROM transfer")) {
    there.emplace(std::stoi(*row[0]), std::stoi(*row[1]));
  }
  Audit found;
  for (const Transfer& one : acknowledged_) found.lost += !there.contains(one);
  for (const Transfer& one : there) {
    found.undead += !acknowledged_.contains(one) && !unknown_.contains(one);
  }
  found.unknown = static_cast<int>(unknown_.size());
  return found;
}

// Does the work again and again, on a new connection after each error.
template <class Work>
void Load::repeat(const std::string& dbname, const char* who, bool is_writer, Work work) {
  Clock::time_point last = Clock::now();
  Place place;
  while (!done_) {
    try {
      place.step = Step::login;
      Pq connection = remuda_.connect(dbname);
      while (!done_) {
        work(connection, place);
        const Clock::time_point now = Clock::now();
        note_pause(is_writer, ms_between(last, now));
        last = now;
      }
    } catch (const PqError& error) {
      note_error(who, place, error);
    } catch (const std::exception& error) {
      note_fault(std::string(who) + ": " + error.what());
    }
  }
}

void Load::write(int number) {
  std::mt19937 random(static_cast<unsigned>(number));
  int transfers = 0;
  repeat(clients_.writes, "writer", true, [&](Pq& connection, Place& place) {
    place.transfer = {number, ++transfers};
    transfer(connection, random, place);
  });
}

void Load::transfer(Pq& connection, std::mt19937& random, Place& place) {
  const auto any = [&] { return static_cast<int>(random() % kAccounts) + 1; };
  int from = any();
  int to = any();
  if (from > to) std::swap(from, to);
  const auto add = [](int id, const char* amount) {
    return "UPDATE account SET balance = balance + " + std::string(amount) +
           " WHERE id = " + std::to_string(id);
  };
  const auto [client, number] = place.transfer;
  const Clock::time_point begun = Clock::now();
  place.step = Step::begin;
  connection.exec("BEGIN");
  place.step = Step::inside;
  connection.exec(add(from, "1") + "; " + add(to, "-1"));
  const std::string port =
      connection.value("INSERT INTO transfer VALUES (" + std::to_string(client) + ", " +
                       std::to_string(number) + ") RETURNING inet_server_port()");
  place.step = Step::commit;
  connection.exec("COMMIT");
  ++commits_;
  note_commit(place.transfer, port, begun);
}

void Load::note_commit(const Transfer& transfer, const std::string& port, Clock::time_point begun) {
  const std::lock_guard lock(mutex_);
  acknowledged_.insert(transfer);
  if (!home_port_.empty() && port != home_port_ && begun > home_since_ && expected_port_ == 0) {
    faults_.push_back("written at " + port + " when the primary was at " + home_port_);
  }
  if (expected_port_ != 0 && std::to_string(expected_port_) == port) {
    first_commit_ = home_since_ = Clock::now();
    home_port_ = port;
    expected_port_ = 0;
  }
}

void Load::read(int) {
  repeat(clients_.reads, "reader", false, [&](Pq& connection, Place& place) {
    place.step = Step::read;
    const Clock::time_point asked = Clock::now();
    const Rows rows = connection.exec(
        "SELECT (SELECT sum(balance) FROM account), beat, inet_server_port() FROM heart");
    const Row& row = rows.at(0);
    if (row[0] != "0") note_fault("a reader saw the sum " + *row[0]);
    const double age = age_of(std::stoull(*row[1]), asked);
    const std::lock_guard lock(mutex_);
    oldest_read_ = std::max(oldest_read_, age);
    ++reads_;
    ++reads_at_[*row[2]];
  });
}

// Since the first beat it did not see, though that was acknowledged before it asked.
double Load::age_of(uint64_t beat, Clock::time_point asked) {
  const std::lock_guard lock(mutex_);
  const auto next = std::upper_bound(
      beats_.begin(), beats_.end(), beat,
      [](uint64_t seen, const auto& acknowledged) { return seen < acknowledged.first; });
  return next == beats_.end() ? 0 : std::max(0.0, ms_between(next->second, asked));
}

void Load::beat() {
  constexpr std::chrono::milliseconds kPeriod(20);
  uint64_t number = 0;
  repeat(clients_.writes, "heart", true, [&](Pq& connection, Place& place) {
    place.step = Step::commit;
    connection.exec("UPDATE heart SET beat = " + std::to_string(++number));
    {
      const std::lock_guard lock(mutex_);
      beats_.emplace_back(number, Clock::now());
    }
    std::this_thread::sleep_for(kPeriod);
  });
}

void Load::note_pause(bool is_writer, double pause) {
  const std::lock_guard lock(mutex_);
  longest_pause_[is_writer] = std::max(longest_pause_[is_writer], pause);
}

void Load::note_error(const char* who, const Place& place, const PqError& error) {
  constexpr const char* kWhere[] = {"at a login", "at BEGIN", "in a transaction", "at COMMIT",
                                    "reading"};
  const std::lock_guard lock(mutex_);
  const bool has_transaction = place.step == Step::inside || place.step == Step::commit;
  if (place.step == Step::commit) unknown_.insert(place.transfer);
  if (done_) return;
  needless_ += !has_transaction;
  ++count_;
  ++errors_[std::string(who) + " " + kWhere[static_cast<size_t>(place.step)] + ", " +
            error.sqlstate + " " + error.message.substr(0, 120)];
}

void Load::note_fault(const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (faults_.size() < 20) faults_.push_back(text);
}

}  // namespace remuda::test
