// The journal of settings against PostgreSQL itself: one connection runs random transactions that
// the journal follows; another, with a different reading of strings and of bytes, is brought to
// what the journal says by the SQL it writes, and must then have the same settings.
#include "remuda/session/settings_journal.h"

#include <string>
#include <vector>

#include "support/catch.h"
#include "support/postgres.h"

namespace remuda::test::settings_journal_test {
using namespace remuda::session;

namespace {

using Texts = std::vector<std::string>;

const Texts kWatched{"search_path",
                     "work_mem",
                     "statement_timeout",
                     "role",
                     "app.tenant",
                     "app.Order",
                     "enable_seqscan",
                     "default_transaction_isolation",
                     "lock_timeout",
                     "session_authorization",
                     "log_min_duration_statement",
                     "default_transaction_deferrable",
                     "xmloption"};

// The values of all of them, to the byte whatever client_encoding is.
std::string values_of(Pq& pq) {
  static const std::string query = [] {
    std::string sql = "SELECT ''";
    for (const std::string& name : kWatched) {
      sql += "||'" + name + "='||pg_catalog.encode(pg_catalog.convert_to(coalesce(" +
             "pg_catalog.current_setting('" + name + "',true),''),'UTF8'),'escape')||' '";
    }
    return sql + "||current_user";
  }();
  return pq.value(query);
}

// What a random text may be made of; %s is a string, %n a small number.
const Texts kChanges{"app.tenant = %s",
                     "app.\"Order\" TO %s",
                     "App.Tenant TO %n",
                     "search_path = %s",
                     "search_path TO pg_catalog, \"B \"\"c\", Public, %s",
                     "search_path TO \"$user\"",
                     "SCHEMA %s",
                     "work_mem = '%nMB'",
                     "work_mem TO 204%n",
                     "statement_timeout = '1%nmin'",
                     "lock_timeout TO 90%n000",
                     "enable_seqscan TO off",
                     "enable_seqscan = 'on'",
                     "default_transaction_isolation = 'repeatable read'",
                     "xmloption TO document",
                     "XML OPTION CONTENT",
                     "log_min_duration_statement = 9999%n",
                     "ROLE settings_a",
                     "ROLE \"settings ''b\\\"",
                     "ROLE NONE",
                     "SESSION AUTHORIZATION settings_a",
                     "SESSION AUTHORIZATION DEFAULT",
                     "work_mem TO DEFAULT",
                     "app.tenant TO DEFAULT",
                     "search_path = DEFAULT"};

const Texts kStatements{
    "RESET search_path",
    "RESET work_mem",
    "RESET app.\"Order\"",
    "RESET role",
    "RESET SESSION AUTHORIZATION",
    "RESET ALL",
    "DISCARD ALL",
    "SELECT 1",
    "SELECT 1/0",
    "SET work_mem TO nonsense",
    "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE, DEFERRABLE",
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "SELECT set_config('app.tenant', %s, false), pg_catalog.set_config('work_mem', '3%nMB', true)",
    "SELECT pg_catalog.set_config('search_path', '', false)",
    "SELECT set_config('search_path', 'a, \"B\", pg_catalog', false)",
    "SELECT set_config('app.tenant', NULL, false)",
    "/* SET a */ -- b\n SET TimeZone = 'CET'",
    "SET standard_conforming_strings = off",
    "SET standard_conforming_strings = on",
    "SET client_encoding = 'LATIN1'",
    "SET client_encoding TO UTF8",
};

const Texts kTransactions{"BEGIN",
                          "START TRANSACTION",
                          "COMMIT",
                          "END",
                          "COMMIT AND CHAIN",
                          "ROLLBACK",
                          "ABORT",
                          "ROLLBACK AND CHAIN",
                          "SAVEPOINT a",
                          "SAVEPOINT \"B\"",
                          "ROLLBACK TO a",
                          "ROLLBACK TO SAVEPOINT \"B\"",
                          "RELEASE a",
                          "RELEASE SAVEPOINT \"B\""};

class Random {
 public:
  explicit Random(uint32_t seed) : state_(seed) {}
  int below(int n) {
    state_ = state_ * 1664525 + 1013904223;
    return static_cast<int>((state_ >> 12) % static_cast<uint32_t>(n));
  }
  const std::string& of(const Texts& texts) {
    return texts[static_cast<size_t>(below(static_cast<int>(texts.size())))];
  }

 private:
  uint32_t state_;
};

// A connection that a journal follows.
class Followed {
 public:
  explicit Followed(const Address& address) : pq_(address) {
    ParameterSet::Values values;
    for (const char* name : {"TimeZone", "client_encoding", "standard_conforming_strings"}) {
      values.emplace_back(name, reported(name));
    }
    reported_ = table_.intern(values);
    journal_.link(table_.empty_set(), {});
  }

  // By the simple protocol, all in one message; or else in a pipeline with one Sync.
  void run(const Texts& statements, bool simple) {
    std::string text;
    for (const std::string& statement : statements) text += statement + "\n;;";
    note(text, statements);
    if (simple) {
      pq_.send(text);
      size_t n = 0;
      while (Result result = pq_.next_result()) answered(result.get(), n++);
    } else {
      run_pipeline(statements);
    }
    const PGTransactionStatusType status = PQtransactionStatus(pq_.raw());
    journal_.ready(status == PQTRANS_IDLE      ? TransactionStatus::idle
                   : status == PQTRANS_INTRANS ? TransactionStatus::open
                                               : TransactionStatus::failed);
  }

  bool in_failed() const { return PQtransactionStatus(pq_.raw()) == PQTRANS_INERROR; }
  std::string reported(const char* name) const { return PQparameterStatus(pq_.raw(), name); }
  std::string values() { return values_of(pq_); }
  const SettingsJournal& journal() const { return journal_; }

  // What is in force now, with what is local to the transaction.
  ParameterSetRef effective() {
    ParameterSetRef set = journal_.has().none();
    for (const char* name : {"app.order", "app.tenant"}) set = with(set, name);
    for (const std::string& name : kWatched) {
      if (name != "app.Order") set = with(set, name);
    }
    return set;
  }

 private:
  ParameterSetRef with(const ParameterSetRef& set, const std::string& name) const {
    const std::string* sql = journal_.find(name);
    return sql && !sql->empty() ? set.with(name, *sql) : set;
  }

  // Reads the text as it is sent: the statements must be found in it again.
  void note(const std::string& text, const Texts& statements) {
    const std::string encoding = reported("client_encoding");
    const TextRules rules{reported("standard_conforming_strings") == "on", &encoding};
    changes_.assign(statements.size(), {});
    texts_.clear();
    remuda::ByteView rest = text;
    remuda::ByteView statement;
    while (next_statement(rest, statement, rules.standard_strings)) {
      REQUIRE(texts_.size() < statements.size());
      read_setting_changes(statement_kind(statement), statement, rules, changes_[texts_.size()]);
      texts_.emplace_back(statement);
    }
    REQUIRE(texts_.size() == statements.size());
  }

  void answered(const PGresult* result, size_t n) {
    if (!sqlstate_of(result).empty()) return journal_.fail();
    for (const SettingChange& change : changes_[n]) journal_.apply(change, *reported_);
    journal_.apply(statement_kind(texts_[n]), texts_[n]);
  }

  void run_pipeline(const Texts& statements) {
    PQenterPipelineMode(pq_.raw());
    for (const std::string& text : statements) {
      PQsendQueryParams(pq_.raw(), text.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0);
    }
    PQpipelineSync(pq_.raw());
    for (size_t n = 0; n < statements.size(); ++n) {
      while (Result result = pq_.next_result()) {
        if (PQresultStatus(result.get()) != PGRES_PIPELINE_ABORTED) answered(result.get(), n);
      }
    }
    while (Result result = pq_.next_result()) {
    }
    PQexitPipelineMode(pq_.raw());
  }

  Pq pq_;
  ParameterTable table_;
  ParameterSetRef reported_;
  SettingsJournal journal_{table_.empty_set()};
  Texts texts_;
  std::vector<std::vector<SettingChange>> changes_;
};

// One random statement, in the encoding and the reading of strings that hold when it is sent.
std::string random_statement(Random& random, const Followed& session) {
  const bool standard = session.reported("standard_conforming_strings") == "on";
  const std::string letter = session.reported("client_encoding") == "UTF8" ? "\xc3\xbc" : "\xfc";
  const Texts strings{"'x'",
                      "''",
                      "'it''s; SET'",
                      "$$a ; 'b$$",
                      "$t$c\"$t$",
                      "'" + letter + " x'",
                      "e'\\x41\\'\\\\'",
                      "'a' -- '\n 'b'",
                      standard ? "'\\'" : "'\\'\\\\'"};
  const int what = random.below(10);
  std::string text = random.of(kTransactions);
  if (what >= 8) text = random.of(kStatements);
  if (what >= 4 && what < 8) {
    const char* const ways[] = {"SET ", "set LOCAL ", "SET SESSION "};
    text = ways[random.below(3)] + random.of(kChanges);
    // A role taken as a user that the session had for one transaction only could not be taken
    // again.
    if (text == "set LOCAL SESSION AUTHORIZATION DEFAULT") text = "RESET SESSION AUTHORIZATION";
  }
  if (const size_t at = text.find("%s"); at != std::string::npos) {
    text.replace(at, 2, random.of(strings));
  }
  if (const size_t at = text.find("%n"); at != std::string::npos) {
    text.replace(at, 2, std::to_string(1 + random.below(4)));
  }
  return text;
}

// Those that change how the next text is read go alone.
bool goes_alone(const std::string& text) {
  return text.find("client_encoding") != std::string::npos ||
         text.find("standard_conforming") != std::string::npos || text == "RESET ALL" ||
         text == "DISCARD ALL";
}

void run_random(Random& random, Followed& session, std::string& story) {
  Texts statements{random_statement(random, session)};
  const int more = random.below(3) == 0 ? random.below(4) : 0;
  for (int i = 0; i < more; ++i) statements.push_back(random_statement(random, session));
  for (const std::string& statement : statements) {
    if (goes_alone(statement)) statements = Texts{std::string(statement)};
  }
  const bool simple = random.below(3) > 0;
  story += simple ? "\nquery:" : "\npipeline:";
  for (const std::string& statement : statements) story += " " + statement + ";";
  session.run(statements, simple);
}

struct Roles {
  Roles() { postgres().exec("CREATE ROLE settings_a; CREATE ROLE \"settings ''b\\\""); }
  ~Roles() { postgres().exec("DROP ROLE settings_a; DROP ROLE \"settings ''b\\\""); }
};

}  // namespace

TEST_CASE("C2.12 the journal has what PostgreSQL has after any transactions") {
  const Roles roles;
  Pq mirror(postgres().address());
  mirror.exec("SET client_encoding = LATIN1; SET standard_conforming_strings = off");
  mirror.exec("SET escape_string_warning = off");
  for (uint32_t seed = 1; seed <= 40; ++seed) {
    Random random(seed);
    Followed session(postgres().address());
    ParameterSetRef has = session.effective();
    std::string story = "seed " + std::to_string(seed);
    for (int i = 0; i < 12; ++i) {
      run_random(random, session, story);
      if (session.in_failed()) continue;
      const ParameterSetRef wants = session.effective();
      const std::string replay = setting_replay_sql(*has, *wants);
      INFO(story << "\nreplay: " << replay);
      mirror.exec(replay);
      has = wants;
      REQUIRE(values_of(mirror) == session.values());
      REQUIRE(!session.journal().is_lost());
    }
    mirror.exec(setting_replay_sql(*has, *has.none()));
  }
}

}  // namespace remuda::test::settings_journal_test
