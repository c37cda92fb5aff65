// A session of a model of PostgreSQL: what its statements do to settings, transactions, prepared
// statements and portals. Commands that its tests do not use are missing, not refused.
// PostgreSQL manual, SQL Commands; Message Flow: Pipelining.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "unit/session/model_setting.h"
#include "unit/session/model_sql.h"

namespace remuda::session::test {

// Thrown by what fails: its SQLSTATE.
struct ModelError {
  std::string code;
};

using ModelValues = std::vector<std::optional<std::string>>;

struct ModelPrepared {
  ModelSql sql;
  bool names_types = false;
  // The settings that decided what its text meant.
  std::string context;
  bool is_outdated = false;  // what it selects from has been altered
};

struct ModelPortal {
  ModelSql sql;
  ModelValues values;
  int level = 0;
  bool has_run = false;
};

struct ModelOutcome {
  std::vector<std::string> rows;
  std::string tag;
};

class ModelSession {
 public:
  enum class Block { none, started, implicit, open, failed };
  using Values = std::map<std::string, std::string>;

  // The defaults, but for these.
  explicit ModelSession(const Values& startup = {});

  Block block() const { return block_; }
  char status() const { return block_ == Block::open ? 'T' : block_ == Block::failed ? 'E' : 'I'; }

  // A transaction begins where there is none; one of several statements in one query is implicit.
  void start(bool is_one_of_several = false);
  ModelOutcome run(const ModelSql& sql, const ModelValues& values = {});
  // A command of the extended protocol has been completed in the transaction.
  void note_pipelined() { has_run_ = true; }
  // The end of a query or of a batch: a transaction that no BEGIN has opened is committed.
  void finish();
  // A statement has failed.
  void fail();

  const std::string& setting(const std::string& name) const { return settings_.at(name).value(); }
  bool is_default(const std::string& name) const;
  std::string settings() const;
  static bool is_reported(std::string_view name);
  static const Values& defaults();

  void prepare(const std::string& name, ModelPrepared prepared);
  ModelPrepared prepared(const ModelSql& sql, bool names_types = false) const;
  const std::map<std::string, ModelPrepared>& statements() const { return statements_; }
  void drop(const std::string& name) { statements_.erase(name); }
  void outdate() {
    for (auto& [name, prepared] : statements_) prepared.is_outdated = true;
  }

  void open_portal(const std::string& name, ModelPortal portal);
  ModelPortal& portal(const std::string& name);
  void close_portal(const std::string& name) { portals_.erase(name); }

 private:
  ModelOutcome select(const ModelSql& sql, const ModelValues& values);
  std::string set_config(const ModelSql& sql, size_t& i, const ModelValues& values);
  void set(const ModelSql& sql);
  void reset(const ModelSql& sql);
  void assign(const std::string& name, const std::string& value, bool local);
  void reset_all(bool roles_too);
  void discard_all();
  void prepare(const ModelSql& sql);
  ModelOutcome execute(const ModelSql& sql);
  void deallocate(const ModelSql& sql);
  std::string end_by(const ModelSql& sql);
  void savepoint(const std::string& name);
  void release(const std::string& name);
  void rollback_to(const std::string& name);
  int level_of(const std::string& name) const;
  void end_levels(int down_to, bool commits);
  void end(bool commits);

  std::map<std::string, ModelSetting> settings_;
  Values defaults_;
  Block block_ = Block::none;
  bool has_run_ = false;
  int level_ = 0;
  std::vector<std::string> savepoints_;
  std::vector<int> deferred_;  // what will fail at the end, by level
  std::map<std::string, ModelPrepared> statements_;
  std::map<std::string, ModelPortal> portals_;
};

}  // namespace remuda::session::test
