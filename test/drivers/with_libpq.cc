// libpq in pipeline mode: a thread per connection, which sends what does not wait for an answer at
// once. Batches are of different lengths, and may end in an error.
#include <libpq-fe.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int kConnections = 8;

struct Line {
  int at = 0;
  std::string question;
  std::string what;
  std::string sql;
  std::vector<std::string> fields;
  std::vector<std::string> expected;
};

[[noreturn]] void fail(int number, const Line& line, const std::string& came) {
  std::string expected;
  for (const std::string& row : line.expected) expected += row + " | ";
  std::printf("connection %d, line %d: %.300s\n  expected: %.300s\n  came:     %.600s\n", number,
              line.at, line.question.c_str(), expected.c_str(), came.c_str());
  std::fflush(stdout);
  std::_Exit(1);
}

std::vector<std::string> split(const std::string& text, const std::string& by) {
  std::vector<std::string> parts;
  size_t from = 0;
  for (size_t at; (at = text.find(by, from)) != std::string::npos; from = at + by.size())
    parts.push_back(text.substr(from, at - from));
  parts.push_back(text.substr(from));
  return parts;
}

std::vector<Line> read_script(int number) {
  std::ifstream file(std::string(std::getenv("SCRIPT")) + "." + std::to_string(number));
  std::vector<Line> lines;
  for (std::string text; std::getline(file, text);) {
    std::vector<std::string> parts = split(text, "\t->\t");
    std::vector<std::string> fields = split(parts[0], "\t");
    lines.push_back({.at = static_cast<int>(lines.size()) + 1,
                     .question = parts[0],
                     .what = fields[0],
                     .sql = fields[1],
                     .fields = {fields.begin() + 2, fields.end()},
                     .expected = {parts.begin() + 1, parts.end()}});
  }
  return lines;
}

// Values as texts, as libpq sends them.
std::vector<std::string> texts(const std::vector<std::string>& fields) {
  std::vector<std::string> values;
  for (const std::string& field : fields) {
    const std::string text = field.substr(1);
    if (field[0] == 'x')
      values.push_back("\\x" + text);
    else if (field[0] == 'I' || field[0] == 'T')
      values.push_back("{" + text + "}");
    else
      values.push_back(text);
  }
  return values;
}

std::string rows_text(const PGresult* result, int row) {
  std::string text;
  for (int column = 0; column < PQnfields(result); ++column) {
    if (column > 0) text += "\t";
    text += PQgetisnull(result, row, column) ? "\\N" : PQgetvalue(result, row, column);
  }
  return text;
}

class Player {
 public:
  explicit Player(int number) : number_(number), connection_(PQconnectdb("")) {
    if (PQstatus(connection_) != CONNECTION_OK) fail(number_, {}, PQerrorMessage(connection_));
    PQenterPipelineMode(connection_);
  }
  ~Player() { PQfinish(connection_); }
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;

  size_t play() {
    const std::vector<Line> lines = read_script(number_);
    for (const Line& line : lines) {
      send(line);
      if (ends_batch(line) || ++since_sync_ > line.at % 12 || &line == &lines.back()) finish();
    }
    return lines.size();
  }

 private:
  struct Sent {
    const Line* line;
    bool is_parse;
  };

  // After an error the server skips to the next Sync; and it undoes what changed something earlier
  // in the batch, unless a transaction is open.
  bool ends_batch(const Line& line) {
    if (line.what == "begin") in_transaction_ = true;
    if (line.what == "commit" || line.what == "rollback") in_transaction_ = false;
    const bool is_error = line.what == "fails" || line.what == "aborted";
    const bool only_reads = line.what == "ask" || line.what == "prepared";
    return is_error || (!in_transaction_ && !only_reads);
  }

  void check(int sent, const Line& line) {
    if (sent != 1) fail(number_, line, PQerrorMessage(connection_));
  }

  void send(const Line& line) {
    if (line.what == "begin" || line.what == "commit" || line.what == "rollback") {
      check(PQsendQueryParams(connection_, line.what.c_str(), 0, nullptr, nullptr, nullptr, nullptr,
                              0),
            line);
      sent_.push_back({&line, false});
    } else if (line.what == "many") {
      std::vector<std::string> set;
      for (size_t k = 0; k <= line.fields.size(); ++k) {
        if (k < line.fields.size() && line.fields[k] != ";") {
          set.push_back(line.fields[k]);
          continue;
        }
        send_values(line, set);
        set.clear();
      }
    } else {
      send_values(line, line.fields);
    }
  }

  void send_values(const Line& line, const std::vector<std::string>& fields) {
    const std::vector<std::string> values = texts(fields);
    std::vector<const char*> pointers;
    for (size_t k = 0; k < values.size(); ++k)
      pointers.push_back(fields[k][0] == 'n' ? nullptr : values[k].c_str());
    const int count = static_cast<int>(pointers.size());
    if (line.what != "prepared") {
      check(PQsendQueryParams(connection_, line.sql.c_str(), count, nullptr, pointers.data(),
                              nullptr, nullptr, 0),
            line);
    } else {
      const std::string name = prepare(line);
      check(PQsendQueryPrepared(connection_, name.c_str(), count, pointers.data(), nullptr, nullptr,
                                0),
            line);
    }
    sent_.push_back({&line, false});
  }

  // The statement's name; what has none yet is prepared in the same pipeline.
  std::string prepare(const Line& line) {
    const auto [entry, is_new] = names_.try_emplace(line.sql, "q" + std::to_string(names_.size()));
    if (is_new) {
      check(PQsendPrepare(connection_, entry->second.c_str(), line.sql.c_str(), 0, nullptr), line);
      sent_.push_back({&line, true});
    }
    return entry->second;
  }

  // Ends the batch and compares all that was asked in it.
  void finish() {
    PQpipelineSync(connection_);
    since_sync_ = 0;
    for (const Sent& each : sent_) receive(each);
    sent_.clear();
    PGresult* result = PQgetResult(connection_);
    if (PQresultStatus(result) != PGRES_PIPELINE_SYNC) fail(number_, {}, "no end of the pipeline");
    PQclear(result);
  }

  void receive(const Sent& sent) {
    const Line& line = *sent.line;
    PGresult* result = PQgetResult(connection_);
    std::vector<std::string> came;
    if (PQresultStatus(result) == PGRES_TUPLES_OK) {
      for (int row = 0; row < PQntuples(result); ++row) came.push_back(rows_text(result, row));
    } else if (PQresultStatus(result) != PGRES_COMMAND_OK) {
      const char* sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
      came.push_back(sqlstate != nullptr && (line.what == "fails" || line.what == "aborted")
                         ? sqlstate
                         : PQresultErrorMessage(result));
    }
    if (came != (sent.is_parse ? std::vector<std::string>{} : line.expected)) fail_with(line, came);
    PQclear(result);
    result = PQgetResult(connection_);
    if (result != nullptr) fail(number_, line, "one result too many");
  }

  [[noreturn]] void fail_with(const Line& line, const std::vector<std::string>& rows) {
    std::string came;
    for (const std::string& row : rows) came += row + " | ";
    fail(number_, line, came);
  }

  const int number_;
  PGconn* connection_;
  std::map<std::string, std::string> names_;
  std::vector<Sent> sent_;
  int since_sync_ = 0;
  bool in_transaction_ = false;
};

}  // namespace

int main() {
  std::vector<size_t> counts(kConnections);
  std::vector<std::thread> threads;
  for (int number = 0; number < kConnections; ++number)
    threads.emplace_back(
        [&counts, number] { counts[static_cast<size_t>(number)] = Player(number).play(); });
  for (std::thread& thread : threads) thread.join();
  size_t queries = 0;
  for (const size_t count : counts) queries += count;
  const int version = PQlibVersion();
  std::printf("libpq %d.%d in pipelines: %zu queries, 0 wrong\n", version / 10000, version % 10000,
              queries);
}
