#include "soak/transactions.h"

namespace remuda::soak {

using namespace test;

namespace {

std::string change(unsigned account, int amount) {
  return "UPDATE accounts SET balance = balance + (" + std::to_string(amount) +
         ") WHERE id = " + std::to_string(account);
}

// The statements between BEGIN and COMMIT. Accounts in order, so that nobody waits in a circle.
std::vector<std::string> statements(Visit& visit, long id) {
  const unsigned first = 1 + visit.random(Transfers::kAccounts - 1);
  const unsigned second = first + 1 + visit.random(Transfers::kAccounts - first);
  const int amount = static_cast<int>(visit.random(200)) - 100;
  return {"INSERT INTO transfers VALUES (" + std::to_string(id) + ")", change(first, amount),
          change(second, -amount)};
}

void commit(Visit& visit, long id, const std::string& sql) {
  Transfers& transfers = visit.world().transfers;
  transfers.set(id, Transfers::Outcome::unknown);
  visit.pq().send(sql);
  if (visit.random(50) == 0) return visit.vanish();
  const auto results = visit.pq().all_results();
  for (const auto& result : results) check_result(result.get());
  if (results.empty()) throw PqError("", PQerrorMessage(visit.pq().raw()));
  visit.check(PQcmdStatus(results.back().get()), "COMMIT");
  transfers.set(id, Transfers::Outcome::done);
}

void transfer_at_once(Visit& visit, long id) {
  std::string sql = "BEGIN";
  for (const std::string& statement : statements(visit, id)) sql += ";" + statement;
  commit(visit, id, sql + ";COMMIT");
}

void transfer_step_by_step(Visit& visit, long id) {
  visit.pq().exec("BEGIN");
  const auto all = statements(visit, id);
  const bool is_extended = visit.random(2) == 0;
  for (const std::string& sql : all) {
    is_extended ? visit.pq().exec_params(sql, {}) : visit.pq().exec(sql);
    if (visit.random(40) == 0) return visit.vanish();
  }
  if (visit.random(10) == 0) visit.pq().exec("SELECT pg_sleep(0.01)");
  if (visit.random(6) != 0) return commit(visit, id, "COMMIT");
  visit.pq().exec("ROLLBACK");
}

void send_rows(Visit& visit, const std::string& marker, unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    const std::string row = marker + "\t" + std::to_string(i) + "\n";
    if (PQputCopyData(visit.pq().raw(), row.data(), static_cast<int>(row.size())) != 1)
      throw PqError("", PQerrorMessage(visit.pq().raw()));
  }
}

void begin_copy(Visit& visit) {
  visit.pq().exec("BEGIN");
  visit.pq().send("COPY copied FROM STDIN");
  for (const auto& result : visit.pq().all_results()) check_result(result.get());
}

}  // namespace

void transfer(Visit& visit) {
  const long id = visit.world().transfers.begin();
  visit.random(2) == 0 ? transfer_at_once(visit, id) : transfer_step_by_step(visit, id);
  ++visit.world().counts.transactions;
}

void check_sum(Visit& visit) {
  visit.want("SELECT sum(balance) FROM accounts", Transfers::sum());
}

void copy_in(Visit& visit) {
  const std::string marker = visit.marker();
  const unsigned count = visit.random(500);
  begin_copy(visit);
  send_rows(visit, marker, count);
  if (visit.random(20) == 0) return visit.vanish();
  const bool gives_up = visit.random(5) == 0;
  if (PQputCopyEnd(visit.pq().raw(), gives_up ? "changed my mind" : nullptr) != 1)
    throw PqError("", PQerrorMessage(visit.pq().raw()));
  const PqError error = pq_error([&] { visit.pq().finish(); });
  const bool is_as_told = error.sqlstate == "57014" && gives_up;
  if (error.message != "no error" && !is_as_told) throw error;
  if (!gives_up)
    visit.want("SELECT count(*) FROM copied WHERE owner = '" + marker + "'", std::to_string(count));
  visit.pq().exec("ROLLBACK");
  ++visit.world().counts.transactions;
}

void fail_in_transaction(Visit& visit) {
  visit.pq().exec("BEGIN");
  visit.want_error("SELECT 1/0", "22012");
  if (visit.random(10) == 0) return visit.vanish();
  visit.want_error("SELECT 1", "25P02");
  visit.pq().exec("ROLLBACK");
  ++visit.world().counts.transactions;
}

void set_and_roll_back(Visit& visit) {
  visit.pq().exec("BEGIN");
  visit.pq().exec("SET application_name = '" + visit.tag() + " undone'");
  visit.want("SHOW application_name", visit.tag() + " undone");
  visit.pq().exec("ROLLBACK");
  visit.want("SHOW application_name", visit.settings.at("application_name"));
  ++visit.world().counts.transactions;
}

void begin_where_refused(Visit& visit) {
  const PqError error = pq_error([&] {
    visit.pq().exec("BEGIN");
    visit.pq().exec("SELECT 1");
  });
  if (error.message == "no error") throw WrongAnswer("a transaction in statement mode");
  if (error.message.find("transaction blocks not allowed") == std::string::npos) throw error;
  visit.leave();
}

void begin_session(Visit& visit) {
  visit.want("SHOW work_mem", "4MB");
  visit.want("SELECT count(*) FROM pg_prepared_statements", "0");
  visit.want(
      "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = "
      "pg_backend_pid()",
      "0");
  visit.pq().exec("SET work_mem = '77MB'");
  visit.pq().exec("PREPARE own AS SELECT 'prepared'");
  visit.pq().exec("SELECT pg_advisory_lock_shared(7)");
  visit.settings["work_mem"] = "77MB";
}

}  // namespace remuda::soak
