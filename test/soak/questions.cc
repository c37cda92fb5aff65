#include "soak/questions.h"

namespace remuda::soak {

using namespace test;

namespace {

void pause_up_to(Visit& visit, unsigned most) {
  std::this_thread::sleep_for(milliseconds(visit.random(most)));
}

void require_sent(Visit& visit, int result) {
  if (result != 1) throw PqError("", PQerrorMessage(visit.pq().raw()));
}

// A question of a pipeline; an empty marker stands for one that fails.
using Batch = std::vector<std::string>;

Batch make_batch(Visit& visit) {
  Batch batch;
  for (unsigned left = 1 + visit.random(4); left > 0; --left)
    batch.push_back(visit.random(8) == 0 ? "" : visit.marker());
  return batch;
}

void send_batch(Visit& visit, const Batch& batch) {
  for (const std::string& marker : batch) {
    const std::string sql = marker.empty() ? "SELECT 1 / $1::int" : "SELECT $1::text";
    const char* value = marker.empty() ? "0" : marker.c_str();
    require_sent(visit, PQsendQueryParams(visit.pq().raw(), sql.c_str(), 1, nullptr, &value,
                                          nullptr, nullptr, 0));
  }
  require_sent(visit, PQpipelineSync(visit.pq().raw()));
}

Result result_of_pipeline(Visit& visit) {
  Result result = visit.pq().next_result();
  if (!result && PQstatus(visit.pq().raw()) == CONNECTION_BAD)
    throw PqError("", PQerrorMessage(visit.pq().raw()));
  if (!result) throw WrongAnswer("a pipeline's answer is missing");
  return result;
}

void check_batch(Visit& visit, const Batch& batch) {
  bool has_failed = false;
  for (const std::string& marker : batch) {
    const Result result = result_of_pipeline(visit);
    const auto status = PQresultStatus(result.get());
    const bool fails_here = !has_failed && marker.empty();
    if (!fails_here || sqlstate_of(result.get()) != "22012") check_result(result.get());
    const auto expected = has_failed   ? PGRES_PIPELINE_ABORTED
                          : fails_here ? PGRES_FATAL_ERROR
                                       : PGRES_TUPLES_OK;
    visit.check(PQresStatus(status), PQresStatus(expected));
    if (expected == PGRES_TUPLES_OK) visit.check(PQgetvalue(result.get(), 0, 0), marker);
    has_failed = has_failed || fails_here;
    if (visit.pq().next_result()) throw WrongAnswer("a pipeline has more answers than questions");
  }
  const Result sync = result_of_pipeline(visit);
  check_result(sync.get());
  visit.check(PQresStatus(PQresultStatus(sync.get())), PQresStatus(PGRES_PIPELINE_SYNC));
}

}  // namespace

void ask_simple(Visit& visit) {
  const std::string marker = visit.marker();
  visit.want("SELECT '" + marker + "'", marker);
}

void ask_extended(Visit& visit) {
  const std::string marker = visit.marker();
  const Rows rows = visit.pq().exec_params("SELECT $1::text", {marker});
  visit.check(rows.at(0).at(0).value(), marker);
}

void ask_prepared(Visit& visit) {
  const std::string name = "s" + std::to_string(visit.random(5));
  if (visit.random(20) == 0) {
    visit.pq().exec("DEALLOCATE ALL");
    visit.prepared.clear();
  }
  if (!visit.prepared.contains(name)) {
    // Some texts are everybody's, some nobody else's.
    const std::string text =
        visit.random(2) == 0 ? "shared " + std::to_string(visit.random(20)) : visit.marker();
    const std::string sql = "SELECT '" + text + "' || $1::text";
    require_sent(visit, PQsendPrepare(visit.pq().raw(), name.c_str(), sql.c_str(), 0, nullptr));
    visit.pq().finish();
    visit.prepared[name] = text;
  }
  const std::string marker = visit.marker();
  const char* const value = marker.c_str();
  require_sent(visit,
               PQsendQueryPrepared(visit.pq().raw(), name.c_str(), 1, &value, nullptr, nullptr, 0));
  const Rows rows = visit.pq().finish();
  visit.check(rows.at(0).at(0).value(), visit.prepared.at(name) + marker);
}

void ask_several(Visit& visit) {
  const std::string first = visit.marker();
  const std::string second = visit.marker();
  visit.pq().send("SELECT '" + first + "'; SELECT '" + second + "'");
  const auto results = visit.pq().all_results();
  for (const auto& result : results) check_result(result.get());
  visit.check(std::to_string(results.size()), "2");
  visit.check(PQgetvalue(results[0].get(), 0, 0), first);
  visit.check(PQgetvalue(results[1].get(), 0, 0), second);
}

void ask_pipelined(Visit& visit) {
  require_sent(visit, PQenterPipelineMode(visit.pq().raw()));
  std::vector<Batch> batches;
  for (unsigned left = 1 + visit.random(3); left > 0; --left) batches.push_back(make_batch(visit));
  for (const Batch& batch : batches) send_batch(visit, batch);
  if (visit.random(20) == 0) return visit.vanish();
  for (const Batch& batch : batches) check_batch(visit, batch);
  require_sent(visit, PQexitPipelineMode(visit.pq().raw()));
}

void ask_large(Visit& visit) {
  const std::string marker = visit.marker();
  const unsigned count = 1 + visit.random(8000);
  visit.pq().send("SELECT repeat('" + marker + "', 20) FROM generate_series(1, " +
                  std::to_string(count) + ")");
  // Meanwhile the pooler has to hold back the server.
  pause_up_to(visit, 50);
  if (visit.random(10) == 0) return visit.vanish();
  std::string expected;
  for (int i = 0; i < 20; ++i) expected += marker;
  const Rows rows = visit.pq().finish();
  visit.check(std::to_string(rows.size()), std::to_string(count));
  for (const Row& row : rows) {
    if (row.at(0) != expected) throw WrongAnswer("a row of " + marker + " is another's");
  }
}

void ask_wrongly(Visit& visit) {
  const char* const wrong[][2] = {{"SELECT 1/0", "22012"},
                                  {"SELEC 1", "42601"},
                                  {"SELECT * FROM no_such_table", "42P01"},
                                  {"SELECT 1; SELECT 'x'::int; SELECT 2", "22P02"}};
  const auto& [sql, sqlstate] = wrong[visit.random(4)];
  visit.want_error(sql, sqlstate);
}

void ask_and_cancel(Visit& visit) {
  const std::string marker = visit.marker();
  const std::string duration = std::to_string(visit.random(300) / 1000.0);
  visit.pq().send("SELECT '" + marker + "' FROM pg_sleep(" + duration + ")");
  pause_up_to(visit, 100);
  if (!visit.pq().cancel()) throw WrongAnswer("a cancel request was refused");
  if (visit.random(10) == 0) return visit.vanish();
  std::string got;
  const PqError error = pq_error([&] { got = visit.pq().finish().at(0).at(0).value(); });
  if (error.message == "no error") return visit.check(got, marker);
  if (error.sqlstate != "57014") throw error;
  ++visit.world().counts.cancelled;
}

void copy_out(Visit& visit) {
  const std::string marker = visit.marker();
  const unsigned count = visit.random(3000);
  std::string expected;
  for (unsigned i = 1; i <= count; ++i) expected += marker + "\t" + std::to_string(i) + "\n";
  visit.pq().send("COPY (SELECT '" + marker + "', i FROM generate_series(1, " +
                  std::to_string(count) + ") i) TO STDOUT");
  const auto started = visit.pq().all_results();
  for (const auto& result : started) check_result(result.get());
  if (visit.random(20) == 0) return visit.vanish();
  const std::string rows = visit.pq().copy_data();
  visit.pq().finish();
  if (rows != expected) throw WrongAnswer("a COPY of " + marker + " brought something else");
  ++visit.world().counts.answers;
}

void set_something(Visit& visit) {
  const char* const choices[][3] = {
      {"timezone", "Asia/Tokyo", "America/New_York"},
      {"intervalstyle", "iso_8601", "sql_standard"},
      {"application_name", "here", "there"},
  };
  const auto& choice = choices[visit.random(3)];
  const std::string name = choice[0];
  std::string value = choice[1 + visit.random(2)];
  if (name == "application_name") value = visit.tag() + " " + value;
  visit.pq().exec("SET " + name + " = '" + value + "'");
  visit.settings[name] = value;
}

void check_settings(Visit& visit) {
  for (const auto& [name, value] : visit.settings) visit.want("SHOW " + name, value);
}

void ask_and_vanish(Visit& visit) {
  visit.pq().send(visit.random(2) == 0 ? "SELECT pg_sleep(0.2)" : "SELECT " + visit.marker());
  pause_up_to(visit, 20);
  visit.vanish();
}

}  // namespace remuda::soak
