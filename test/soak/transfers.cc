#include "soak/transfers.h"

namespace remuda::soak {

void Transfers::create(const test::PostgresServer& server) {
  server.exec(
      "CREATE TABLE accounts (id int PRIMARY KEY, balance int) WITH (fillfactor = 50);"
      "INSERT INTO accounts SELECT i, 1000 FROM generate_series(1, 100) i;"
      "CREATE TABLE transfers (id bigint);"
      "CREATE TABLE copied (owner text, number int);"
      "GRANT ALL ON accounts, transfers, copied TO PUBLIC");
}

long Transfers::begin() {
  std::lock_guard lock(mutex_);
  outcomes_[++last_] = Outcome::undone;
  return last_;
}

void Transfers::set(long id, Outcome outcome) {
  std::lock_guard lock(mutex_);
  outcomes_.at(id) = outcome;
}

std::vector<std::string> Transfers::check_and_clear(const test::PostgresServer& server) {
  std::lock_guard lock(mutex_);
  std::vector<std::string> complaints;
  for (const test::Row& row : server.exec("SELECT id FROM transfers ORDER BY id")) {
    const auto found = outcomes_.find(std::stol(row.at(0).value()));
    if (found == outcomes_.end()) {
      complaints.push_back("transfer " + *row[0] + " is there twice, or nobody made it");
      continue;
    }
    if (found->second == Outcome::undone)
      complaints.push_back("transfer " + *row[0] + " was never committed and is there");
    outcomes_.erase(found);
  }
  for (const auto& [id, outcome] : outcomes_) {
    if (outcome == Outcome::done)
      complaints.push_back("transfer " + std::to_string(id) + " was committed and is lost");
  }
  const std::string total = server.value("SELECT sum(balance) FROM accounts");
  if (total != sum()) complaints.push_back("the accounts hold " + total);
  server.exec("TRUNCATE transfers, copied");
  outcomes_.clear();
  return complaints;
}

}  // namespace remuda::soak
