#include "remuda/session/settings_journal.h"

#include <string>

#include "support/catch.h"
#include "unit/session/allocations.h"

namespace remuda::session::settings_journal_test {
namespace {

// A server and its client, told what the server answered.
struct Session {
  ParameterTable table;
  ParameterSetRef reported = table.intern({{"TimeZone", "UTC"}});
  SettingsJournal journal{table.empty_set()};

  explicit Session(const ParameterSet::Values& startup = {}) {
    const ParameterSetRef set = table.intern(startup);
    journal.link(set, set);
  }

  // One statement that succeeds.
  void done(const std::string& text) {
    std::vector<SettingChange> changes;
    const StatementKind kind = statement_kind(text);
    read_setting_changes(kind, text, {}, changes);
    for (const SettingChange& change : changes) journal.apply(change, *reported);
    journal.apply(kind, text);
  }

  // A query of one statement outside transactions, or inside.
  void query(const std::string& text, TransactionStatus status = TransactionStatus::idle) {
    done(text);
    journal.ready(status);
  }
  void in_block(const std::string& text) { query(text, TransactionStatus::open); }

  std::string has() const { return setting_replay_sql(*reset(), *journal.has()); }
  std::string wants() const { return setting_replay_sql(*reset(), *journal.wants()); }

 private:
  ParameterSetRef reset() const { return journal.has().none(); }
};

TEST_CASE("settings outside transactions") {
  Session session;
  session.query("SET a = 1");
  session.query("SET b = 2");
  CHECK(session.has() == "SET a TO 1;SET b TO 2;");
  session.query("SET LOCAL a = 9");
  session.query("SET a = 3");
  CHECK(session.has() == "SET a TO 3;SET b TO 2;");
  session.query("RESET b");
  CHECK(session.has() == "SET a TO 3;");
  session.query("RESET ALL");
  CHECK(session.journal.has() == session.table.empty_set());
  CHECK(!session.journal.needs_replay());
  CHECK(!session.journal.is_lost());
}

TEST_CASE("C2.12 BEGIN, SET, ROLLBACK leaves nothing") {
  Session session;
  session.in_block("BEGIN");
  session.in_block("SET a = 1");
  CHECK(session.has() == "SET a TO 1;");
  session.query("ROLLBACK");
  CHECK(session.has().empty());
}

TEST_CASE("C2.12 BEGIN, SELECT, SET, COMMIT stays") {
  Session session;
  session.in_block("BEGIN");
  session.in_block("SELECT 1");
  session.in_block("SET a = 1");
  session.query("COMMIT");
  CHECK(session.has() == "SET a TO 1;");
}

TEST_CASE("C2.12 SET, BEGIN, RESET, ROLLBACK brings it back") {
  Session session;
  session.query("SET a = 1");
  session.in_block("BEGIN");
  session.in_block("RESET a");
  CHECK(session.has().empty());
  session.query("ROLLBACK");
  CHECK(session.has() == "SET a TO 1;");
}

TEST_CASE("C2.12 SET LOCAL lasts until the transaction ends") {
  Session session;
  session.query("SET a = 1");
  session.in_block("BEGIN");
  session.in_block("SET LOCAL a = 2");
  CHECK(session.has() == "SET a TO 1;");
  CHECK(*session.journal.find("a") == "SET a TO 2;");
  session.in_block("SET a = 3");
  CHECK(*session.journal.find("a") == "SET a TO 3;");
  session.in_block("SET LOCAL a = 4");
  session.query("COMMIT");
  CHECK(*session.journal.find("a") == "SET a TO 3;");
}

TEST_CASE("C2.12 savepoints") {
  Session session;
  session.in_block("BEGIN");
  session.in_block("SAVEPOINT s");
  session.in_block("SET a = 1");
  session.in_block("SAVEPOINT s");
  session.in_block("SET a = 2");
  session.in_block("ROLLBACK TO s");
  CHECK(session.has() == "SET a TO 1;");
  session.in_block("SET a = 3");
  session.in_block("RELEASE s");
  CHECK(session.has() == "SET a TO 3;");
  session.in_block("ROLLBACK TO SAVEPOINT s");
  CHECK(session.has().empty());
  session.in_block("SET b = 1");
  session.query("COMMIT");
  CHECK(session.has() == "SET b TO 1;");
  CHECK(!session.journal.is_lost());
}

TEST_CASE("many savepoints of one name take the room of one") {
  Session session;
  session.in_block("BEGIN");
  for (int i = 0; i < 100000; ++i) session.journal.savepoint("auto");
  session.in_block("SET a = 1");
  for (int i = 0; i < 100000; ++i) session.journal.release("auto");
  CHECK(!session.journal.is_lost());
  session.journal.release("auto");
  CHECK(session.journal.is_lost());
}

TEST_CASE("too many savepoints, settings or bytes are not followed") {
  Session names, savepoints, bytes;
  for (size_t i = 0; i <= SettingsJournal::kMaxFollowed; ++i) {
    CHECK(!names.journal.is_lost());
    names.query("SET a" + std::to_string(i) + " = 1");
  }
  CHECK(names.journal.is_lost());
  names.query("DISCARD ALL");
  CHECK(!names.journal.is_lost());
  savepoints.in_block("BEGIN");
  for (size_t i = 0; i <= SettingsJournal::kMaxSavepoints; ++i) {
    CHECK(!savepoints.journal.is_lost());
    savepoints.in_block("SAVEPOINT s" + std::to_string(i));
  }
  CHECK(savepoints.journal.is_lost());
  bytes.query("SET a = '" + std::string(SettingsJournal::kMaxText, 'x') + "'");
  CHECK(bytes.journal.is_lost());
}

TEST_CASE("an error undoes what its query did before") {
  Session session;
  session.query("SET a = 1");
  session.done("SET a = 2");
  session.done("SET b = 2");
  session.journal.fail();
  session.journal.ready(TransactionStatus::idle);
  CHECK(session.has() == "SET a TO 1;");
}

TEST_CASE("BEGIN takes in what its query did before, COMMIT ends it") {
  Session session;
  session.done("SET a = 1");
  session.done("BEGIN");
  session.in_block("SET b = 1");
  session.query("ROLLBACK");
  CHECK(session.has().empty());
  session.done("SET a = 1");
  session.done("BEGIN");
  session.done("COMMIT");
  session.done("SET b = 1");
  session.journal.fail();
  session.journal.ready(TransactionStatus::idle);
  CHECK(session.has() == "SET a TO 1;");
}

TEST_CASE("a failed transaction ends as one rolled back, however it ends") {
  Session session;
  session.in_block("BEGIN");
  session.in_block("SET a = 1");
  session.journal.fail();
  session.journal.ready(TransactionStatus::failed);
  session.query("COMMIT");
  CHECK(session.has().empty());
  // COMMIT itself fails: a deferred constraint.
  session.in_block("BEGIN");
  session.in_block("SET a = 1");
  session.journal.fail();
  session.journal.ready(TransactionStatus::idle);
  CHECK(session.has().empty());
  CHECK(!session.journal.is_lost());
}

TEST_CASE("a failed transaction goes on behind a savepoint") {
  Session session;
  session.in_block("BEGIN");
  session.in_block("SET a = 1");
  session.in_block("SAVEPOINT s");
  session.in_block("SET a = 2");
  session.journal.fail();
  session.journal.ready(TransactionStatus::failed);
  session.in_block("ROLLBACK TO s");
  session.query("COMMIT");
  CHECK(session.has() == "SET a TO 1;");
}

TEST_CASE("chained transactions") {
  Session session;
  session.in_block("BEGIN");
  session.in_block("SET a = 1");
  session.done("COMMIT AND CHAIN");
  session.in_block("SET a = 2");
  session.done("ROLLBACK AND CHAIN");
  session.in_block("SET b = 2");
  session.query("COMMIT");
  CHECK(session.has() == "SET a TO 1;SET b TO 2;");
}

TEST_CASE("a transaction that ends unseen is not followed") {
  Session session;
  session.in_block("BEGIN");
  session.in_block("SET a = 1");
  session.journal.ready(TransactionStatus::idle);
  CHECK(session.journal.is_lost());
}

TEST_CASE("what a server reports is left to it") {
  Session session;
  session.query("SET timezone = 'CET'");
  session.query("SET TIME ZONE INTERVAL '-08:00' HOUR TO MINUTE");
  CHECK(session.has().empty());
  CHECK(!session.journal.is_lost());
}

TEST_CASE("RESET goes back to what the client asked for when it logged in") {
  Session session(ParameterSet::Values{{"a", "SET a TO 1;"}});
  CHECK(session.journal.needs_replay());
  CHECK(setting_replay_sql(*session.journal.has(), *session.journal.wants()) == "SET a TO 1;");
  session.journal.replayed();
  CHECK(!session.journal.needs_replay());
  session.query("SET a = 2");
  session.query("SET b = 2");
  CHECK(!session.journal.needs_replay());
  session.query("RESET a");
  // The server went back to its own default.
  CHECK(session.has() == "SET b TO 2;");
  CHECK(session.wants() == "SET a TO 1;SET b TO 2;");
  session.query("RESET ALL");
  CHECK(session.has().empty());
  CHECK(session.wants() == "SET a TO 1;");
  session.journal.replayed();
  session.query("DISCARD ALL");
  CHECK(session.wants() == "SET a TO 1;");
  CHECK(session.journal.needs_replay());
}

TEST_CASE("C2.13 roles outlive RESET ALL, a new user ends a role") {
  Session session;
  session.query("SET ROLE r");
  session.query("SET a = 1");
  session.query("RESET ALL");
  CHECK(session.has() == "SET role TO r;");
  session.query("SET SESSION AUTHORIZATION u");
  CHECK(session.has() == "SET session_authorization TO u;");
  session.query("SET ROLE r");
  session.query("RESET SESSION AUTHORIZATION");
  CHECK(session.has().empty());
  session.query("SET ROLE r");
  session.query("DISCARD ALL");
  CHECK(session.has().empty());
}

TEST_CASE("C2.17 one RESET does not clear another SET") {
  Session session;
  session.query("SET a = 1");
  session.query("SET b = 2");
  session.query("RESET a");
  CHECK(session.has() == "SET b TO 2;");
}

TEST_CASE("a server that goes to another client gets that one's settings") {
  Session session;
  session.query("SET a = 1");
  session.query("SET b = 1");
  const ParameterSetRef first = session.journal.unlink();
  const ParameterSetRef second = session.table.intern({{"b", "SET b TO 2;"}});
  CHECK(!session.journal.needs_replay());
  session.journal.link(second, {});
  CHECK(setting_replay_sql(*session.journal.has(), *session.journal.wants()) ==
        "RESET a;SET b TO 2;");
  session.journal.replayed();
  CHECK(session.journal.has() == second);
  session.journal.unlink();
  session.journal.link(first, {});
  CHECK(setting_replay_sql(*second, *first) == "SET a TO 1;SET b TO 1;");
}

TEST_CASE("a transaction that its client has left is rolled back for the server alone") {
  Session session(ParameterSet::Values{{"a", "SET a TO 1;"}});
  session.journal.replayed();
  session.in_block("BEGIN");
  session.in_block("SET a = 2");
  session.journal.unlink();
  session.query("ROLLBACK");
  CHECK(session.has() == "SET a TO 1;");
  CHECK(!session.journal.needs_replay());
}

TEST_CASE("the order of a replay") {
  ParameterTable table;
  const ParameterSetRef has = table.intern({{"role", "SET role TO a;"},
                                            {"statement_timeout", "SET statement_timeout TO 1;"},
                                            {"work_mem", "SET work_mem TO 1;"}});
  const ParameterSetRef wants =
      table.intern({{"default_text_search_config", "SET default_text_search_config TO x;"},
                    {"search_path", "SET search_path TO s;"},
                    {"session_authorization", "SET session_authorization TO u;"},
                    {"role", "SET role TO b;"},
                    {"statement_timeout", "SET statement_timeout TO 2;"}});
  CHECK(setting_replay_sql(*has, *wants) ==
        "SET statement_timeout=0;RESET role;SET search_path TO s;RESET work_mem;"
        "SET default_text_search_config TO x;SET session_authorization TO u;SET role TO b;"
        "SET statement_timeout TO 2;");
  CHECK(setting_replay_sql(*wants, *table.empty_set()) ==
        "SET statement_timeout=0;RESET session_authorization;RESET role;"
        "RESET default_text_search_config;RESET search_path;RESET statement_timeout;");
  CHECK(setting_replay_sql(*has, *has).empty());
}

TEST_CASE("transactions that change no setting allocate nothing") {
  Session session;
  session.query("SET a = 'a text longer than the small string buffer'");
  const uint64_t before = test::allocations();
  for (int i = 0; i < 100; ++i) {
    session.journal.begin();
    session.journal.ready(TransactionStatus::open);
    session.journal.commit();
    session.journal.ready(TransactionStatus::idle);
  }
  CHECK(test::allocations() == before);
}

}  // namespace
}  // namespace remuda::session::settings_journal_test
