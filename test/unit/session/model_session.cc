#include "unit/session/model_session.h"

#include <algorithm>
#include <cctype>

#include "support/catch.h"

namespace remuda::session::test {
namespace {

using Kind = ModelToken::Kind;
constexpr const char* kUser = "session_authorization";

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// As it is shown; fails where the setting does not take it.
std::string canonical(const std::string& name, const std::string& value) {
  if (name == "datestyle") {
    const std::string style = upper(value);
    if (style != "ISO" && style != "SQL" && style != "GERMAN") throw ModelError{"22023"};
    return style;
  }
  if ((name == "work_mem" || name == "statement_timeout") && !is_number(value)) {
    throw ModelError{"22023"};
  }
  return value;
}

// A name with its dots, from token i on.
std::string read_name(const ModelSql& sql, size_t& i) {
  std::string name = lower(sql.tokens.at(i++).text);
  for (; sql.is(i, "."); i += 2) name += '.' + lower(sql.tokens.at(i + 1).text);
  return name;
}

std::string read_values(const ModelSql& sql, size_t i) {
  std::string value;
  for (; i < sql.tokens.size(); ++i) value += sql.is(i, ",") ? ", " : sql.tokens[i].text;
  return value;
}

}  // namespace

const ModelSession::Values& ModelSession::defaults() {
  static const Values kDefaults = {
      {"app.a", ""},        {"app.b", ""},
      {"role", "none"},     {"search_path", "public"},
      {kUser, "postgres"},  {"statement_timeout", "0"},
      {"work_mem", "4096"}, {"application_name", ""},
      {"datestyle", "ISO"},
  };
  return kDefaults;
}

bool ModelSession::is_reported(std::string_view name) {
  return name == "application_name" || name == "datestyle";
}

ModelSession::ModelSession(const Values& startup) : defaults_(defaults()) {
  for (const auto& [name, value] : startup) defaults_.at(name) = value;
  for (const auto& [name, value] : defaults_) settings_.emplace(name, ModelSetting(value));
}

bool ModelSession::is_default(const std::string& name) const {
  return setting(name) == defaults_.at(name);
}

std::string ModelSession::settings() const {
  std::string all;
  for (const auto& [name, setting] : settings_) all += name + '=' + setting.value() + ' ';
  return all;
}

// ---- Transactions

void ModelSession::start(bool is_one_of_several) {
  if (block_ == Block::none) {
    block_ = Block::started;
    level_ = 1;
    has_run_ = false;
  }
  if (is_one_of_several && block_ == Block::started) block_ = Block::implicit;
}

void ModelSession::end_levels(int down_to, bool commits) {
  for (; level_ >= down_to; --level_) {
    for (auto& [name, setting] : settings_) setting.end(level_, commits);
    for (int& level : deferred_) {
      if (level >= level_) level = commits ? level_ - 1 : 0;
    }
    for (auto at = portals_.begin(); at != portals_.end();) {
      const bool ends = at->second.level >= level_ && (!commits || level_ == 1);
      at->second.level = std::min(at->second.level, level_ - 1);
      at = ends ? portals_.erase(at) : std::next(at);
    }
  }
  std::erase(deferred_, 0);
  savepoints_.resize(static_cast<size_t>(std::max(level_ - 1, 0)));
}

void ModelSession::end(bool commits) {
  const bool fails = commits && !deferred_.empty();
  end_levels(2, commits && !fails);
  end_levels(1, commits && !fails);
  deferred_.clear();
  block_ = Block::none;
  if (fails) throw ModelError{"23503"};
}

void ModelSession::finish() {
  if (block_ == Block::started || block_ == Block::implicit) end(true);
}

void ModelSession::fail() {
  if (block_ == Block::started || block_ == Block::implicit) {
    end(false);
  } else if (block_ == Block::open) {
    block_ = Block::failed;
    for (auto& [name, setting] : settings_) setting.end(level_, false);
    std::erase_if(portals_, [&](const auto& portal) { return portal.second.level >= level_; });
  }
}

// COMMIT and ROLLBACK; returns the tag.
std::string ModelSession::end_by(const ModelSql& sql) {
  const bool chains = sql.is(1, "and") && sql.is(2, "chain");
  const bool is_block = block_ == Block::open || block_ == Block::failed;
  if (chains && !is_block) throw ModelError{"25P01"};
  const bool commits = sql.is(0, "commit") && block_ != Block::failed;
  end(commits);
  if (chains) {
    start();
    block_ = Block::open;
  }
  return commits ? "COMMIT" : "ROLLBACK";
}

void ModelSession::savepoint(const std::string& name) {
  if (block_ != Block::open) throw ModelError{"25P01"};
  savepoints_.push_back(name);
  ++level_;
}

// The level that the last savepoint of a name began.
int ModelSession::level_of(const std::string& name) const {
  if (block_ != Block::open && block_ != Block::failed) throw ModelError{"25P01"};
  for (size_t i = savepoints_.size(); i-- > 0;) {
    if (savepoints_[i] == name) return static_cast<int>(i) + 2;
  }
  throw ModelError{"3B001"};
}

void ModelSession::release(const std::string& name) {
  end_levels(level_of(name), true);
}

void ModelSession::rollback_to(const std::string& name) {
  end_levels(level_of(name), false);
  block_ = Block::open;
  savepoint(name);
}

// ---- Settings

void ModelSession::assign(const std::string& name, const std::string& value, bool local) {
  const auto at = settings_.find(name);
  if (at == settings_.end()) throw ModelError{"42704"};
  at->second.assign(canonical(name, value), local, level_);
  // A new user of the session begins without a role.
  if (name == kUser) settings_.at("role").assign(defaults_.at("role"), local, level_);
}

void ModelSession::set(const ModelSql& sql) {
  size_t i = 1;
  const bool local = sql.is(1, "local");
  const bool has_scope = local || (sql.is(1, "session") && !sql.is(2, "authorization"));
  if (has_scope) ++i;
  if (sql.is(i, "session") && sql.is(i + 1, "authorization")) {
    return assign(kUser, sql.is(i + 2, "default") ? defaults_.at(kUser) : read_values(sql, i + 2),
                  local);
  }
  const std::string name = read_name(sql, i);
  if (sql.is(i, "to") || sql.is(i, "=")) ++i;
  if (!settings_.contains(name)) throw ModelError{"42704"};
  assign(name, sql.is(i, "default") ? defaults_.at(name) : read_values(sql, i), local);
}

void ModelSession::reset_all(bool roles_too) {
  for (const auto& [name, value] : defaults_) {
    const bool is_role = name == "role" || name == kUser;
    if (!is_role || roles_too) settings_.at(name).assign(value, false, level_);
  }
}

void ModelSession::reset(const ModelSql& sql) {
  if (sql.is(1, "all")) return reset_all(false);
  size_t i = 1;
  std::string name = sql.is(1, "session") ? kUser : read_name(sql, i);
  if (!settings_.contains(name)) throw ModelError{"42704"};
  assign(name, defaults_.at(name), false);
}

// One call and what follows it, up to the next: returns the value.
std::string ModelSession::set_config(const ModelSql& sql, size_t& i, const ModelValues& values) {
  if (sql.is(i, "pg_catalog")) i += 2;
  i += 2;
  ModelValues arguments;
  for (; !sql.is(i - 1, ")"); ++i) {
    const ModelToken& token = sql.tokens.at(i);
    if (token.kind == Kind::parameter) {
      arguments.push_back(values.at(std::stoul(token.text) - 1));
    } else if (token.is("null")) {
      arguments.emplace_back();
    } else {
      arguments.emplace_back(token.text);
    }
    ++i;
    while (sql.is(i, ":")) i += 3;
  }
  if (sql.is(i, "as")) i += 2;
  if (!arguments.at(0)) throw ModelError{"22004"};
  const std::string name = lower(*arguments[0]);
  if (!settings_.contains(name)) throw ModelError{"42704"};
  const std::string local = arguments.at(2).value_or("f");
  assign(name, arguments.at(1).value_or(defaults_.at(name)),
         local == "t" || local == "true" || local == "on" || local == "1");
  return setting(name);
}

// ---- Statements and portals

ModelPrepared ModelSession::prepared(const ModelSql& sql, bool names_types) const {
  std::string context;
  for (const char* name : {"search_path", "role", kUser, "datestyle"}) {
    context += setting(name) + ' ';
  }
  return {sql, names_types, context};
}

void ModelSession::prepare(const std::string& name, ModelPrepared prepared) {
  if (!statements_.emplace(name, std::move(prepared)).second) throw ModelError{"42P05"};
}

// PREPARE name [(types)] AS ...
void ModelSession::prepare(const ModelSql& sql) {
  size_t i = 2;
  const bool names_types = sql.is(i, "(");
  while (!sql.is(i, "as")) ++i;
  prepare(sql.tokens.at(1).text, prepared(sql.behind(i + 1), names_types));
}

ModelOutcome ModelSession::execute(const ModelSql& sql) {
  const auto at = statements_.find(sql.tokens.at(1).text);
  if (at == statements_.end()) throw ModelError{"26000"};
  ModelValues values;
  for (size_t i = 2; i < sql.tokens.size(); ++i) {
    const ModelToken& token = sql.tokens[i];
    if (token.is("null")) values.emplace_back();
    if (token.kind != Kind::symbol && !token.is("null")) values.emplace_back(token.text);
  }
  if (values.size() != at->second.sql.parameters()) throw ModelError{"42601"};
  const ModelSql prepared = at->second.sql;
  return run(prepared, values);
}

void ModelSession::deallocate(const ModelSql& sql) {
  if (sql.is(1, "all")) {
    statements_.clear();
  } else if (statements_.erase(sql.tokens.at(1).text) == 0) {
    throw ModelError{"26000"};
  }
}

void ModelSession::discard_all() {
  if (block_ != Block::started || has_run_) throw ModelError{"25001"};
  portals_.clear();
  reset_all(true);
  statements_.clear();
  end(true);
}

void ModelSession::open_portal(const std::string& name, ModelPortal portal) {
  if (!name.empty() && portals_.contains(name)) throw ModelError{"42P03"};
  portal.level = level_;
  portals_[name] = std::move(portal);
}

ModelPortal& ModelSession::portal(const std::string& name) {
  const auto at = portals_.find(name);
  if (at == portals_.end()) throw ModelError{"34000"};
  return at->second;
}

// ---- All of them

ModelOutcome ModelSession::select(const ModelSql& sql, const ModelValues& values) {
  std::string row;
  if (sql.calls_set_config()) {
    size_t i = 1;
    do {
      row += set_config(sql, i, values) + ' ';
    } while (sql.is(i++, ","));
    return {{row}, "SELECT 1"};
  }
  if (sql.is(1, "fail")) throw ModelError{"22012"};
  if (sql.is(1, "defer")) deferred_.push_back(level_);
  row = sql.text();
  for (const auto& value : values) row += ' ' + value.value_or("null");
  return {{row + " under " + settings()}, "SELECT 1"};
}

ModelOutcome ModelSession::run(const ModelSql& sql, const ModelValues& values) {
  if (block_ == Block::failed && !sql.ends_transaction()) throw ModelError{"25P02"};
  const std::string word = sql.tokens.at(0).text;
  const std::string last = sql.tokens.back().text;
  if (word == "select") return select(sql, values);
  if (word == "execute") return execute(sql);
  if (word == "show") {
    size_t i = 1;
    const std::string name = read_name(sql, i);
    if (!settings_.contains(name)) throw ModelError{"42704"};
    return {{setting(name)}, "SHOW"};
  }
  const bool is_to = word == "rollback" && sql.is(1, "to");
  if (sql.ends_transaction() && !is_to) return {{}, end_by(sql)};
  if (is_to) {
    rollback_to(last);
  } else if (word == "begin") {
    block_ = Block::open;
  } else if (word == "savepoint") {
    savepoint(last);
  } else if (word == "release") {
    release(last);
  } else if (word == "set") {
    set(sql);
  } else if (word == "reset") {
    reset(sql);
  } else if (word == "prepare") {
    prepare(sql);
  } else if (word == "deallocate") {
    deallocate(sql);
    if (last == "all") return {{}, "DEALLOCATE ALL"};
  } else if (word == "discard") {
    discard_all();
    return {{}, "DISCARD ALL"};
  } else {
    FAIL("a statement that the model does not know: " + sql.text());
  }
  return {{}, upper(word)};
}

}  // namespace remuda::session::test
