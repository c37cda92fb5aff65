// Random transactions against PostgreSQL's own rules for the values that transactions save.
#include <string>
#include <vector>

#include "remuda/session/settings_journal.h"
#include "support/catch.h"
#include "unit/session/model_setting.h"

namespace remuda::session::settings_model_test {
namespace {

using test::ModelSetting;
using Value = std::string;  // empty: the default

// A session with its savepoints, driven in step with a journal by the same statements.
class Model {
 public:
  explicit Model(uint32_t seed) : random_(seed) { journal_.link(table_.empty_set(), {}); }

  void query() {
    const int statements = pick(4) == 0 ? 1 + pick(4) : 1;
    for (int i = 0; i < statements; ++i) {
      if (!statement()) break;
    }
    if (!in_block_ && level_ == 1) end_transaction(!failed_);
    journal_.ready(!in_block_ ? TransactionStatus::idle
                   : failed_  ? TransactionStatus::failed
                              : TransactionStatus::open);
    if (!in_block_) failed_ = false;
    compare();
  }

 private:
  int pick(int n) {
    random_ = random_ * 1664525 + 1013904223;
    return static_cast<int>((random_ >> 12) % static_cast<uint32_t>(n));
  }

  void say(const std::string& text) { story_ += text + "; "; }

  void done(const std::string& text) {
    say(text);
    std::vector<SettingChange> changes;
    const StatementKind kind = statement_kind(text);
    read_setting_changes(kind, text, {}, changes);
    for (const SettingChange& change : changes) journal_.apply(change, *table_.empty_set());
    journal_.apply(kind, text);
  }

  bool fail() {
    say("error");
    journal_.fail();
    failed_ = true;
    return false;
  }

  // False when it fails, and nothing behind it in its query is run.
  bool statement() {
    level_ = std::max(level_, 1);
    const int what = pick(24);
    if (failed_ && what < 18) return fail();
    if (what < 7) return set(pick(3) == 0);
    if (what < 9) return reset();
    if (what < 11) return begin();
    if (what < 14) return savepoint();
    if (what < 16) return release();
    if (what == 16) return fail();
    if (what == 17) return reset_all();
    if (what < 20) return rollback_to();
    return end(what < 22);
  }

  bool set(bool local) {
    const int which = pick(kVariables);
    const Value value = "SET v" + std::to_string(which) + " TO " + std::to_string(pick(5)) + ";";
    variables_[which].assign(value, local, level_);
    done("SET " + std::string(local ? "LOCAL " : "") + value.substr(4));
    return true;
  }

  bool reset() {
    const int which = pick(kVariables);
    variables_[which].assign("", false, level_);
    done("RESET v" + std::to_string(which));
    return true;
  }

  bool reset_all() {
    for (ModelSetting& variable : variables_) variable.assign("", false, level_);
    done("RESET ALL");
    return true;
  }

  bool begin() {
    in_block_ = true;
    done("BEGIN");
    return true;
  }

  bool savepoint() {
    if (!in_block_) return fail();
    savepoints_.push_back(std::string(1, static_cast<char>('a' + pick(3))));
    ++level_;
    done("SAVEPOINT " + savepoints_.back());
    return true;
  }

  // The level that the last savepoint of a name began, or 0.
  int level_of(const std::string& name) const {
    for (size_t i = savepoints_.size(); i-- > 0;) {
      if (savepoints_[i] == name) return static_cast<int>(i) + 2;
    }
    return 0;
  }

  void end_levels(int down_to, bool commits) {
    for (; level_ >= down_to; --level_) {
      for (ModelSetting& variable : variables_) variable.end(level_, commits);
    }
    savepoints_.resize(static_cast<size_t>(std::max(level_ - 1, 0)));
  }

  bool release() {
    const std::string name(1, static_cast<char>('a' + pick(3)));
    const int level = level_of(name);
    if (level == 0) return fail();
    end_levels(level, true);
    done("RELEASE SAVEPOINT " + name);
    return true;
  }

  bool rollback_to() {
    const std::string name(1, static_cast<char>('a' + pick(3)));
    const int level = level_of(name);
    if (level == 0) return fail();
    end_levels(level, false);
    savepoints_.push_back(name);
    ++level_;
    failed_ = false;
    done("ROLLBACK TO " + name);
    return true;
  }

  void end_transaction(bool commits) {
    end_levels(2, commits);
    end_levels(1, commits);
    level_ = 0;
  }

  bool end(bool commits) {
    const bool chains = in_block_ && pick(4) == 0;
    end_transaction(commits && !failed_);
    done(std::string(commits ? "COMMIT" : "ROLLBACK") + (chains ? " AND CHAIN" : ""));
    in_block_ = chains;
    failed_ = false;
    level_ = 1;
    return true;
  }

  void compare() {
    INFO(story_);
    for (int i = 0; i < kVariables; ++i) {
      const std::string* found = journal_.find("v" + std::to_string(i));
      Value value = found ? *found : "";
      REQUIRE(value == variables_[i].value());
    }
    REQUIRE(!journal_.is_lost());
    REQUIRE(!journal_.needs_replay());
  }

  static constexpr int kVariables = 3;
  uint32_t random_;
  std::string story_;
  ParameterTable table_;
  SettingsJournal journal_{table_.empty_set()};
  ModelSetting variables_[kVariables];
  std::vector<std::string> savepoints_;
  int level_ = 0;
  bool in_block_ = false;
  bool failed_ = false;
};

TEST_CASE("settings follow random transactions as PostgreSQL's stack of them does") {
  for (uint32_t seed = 1; seed <= 3000; ++seed) {
    Model model(seed);
    for (int i = 0; i < 30; ++i) model.query();
  }
}

}  // namespace
}  // namespace remuda::session::settings_model_test
