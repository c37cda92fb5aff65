#include "remuda/session/settings_journal.h"

#include <algorithm>

#include "remuda/base/error.h"

namespace remuda::session {
namespace {

constexpr ByteView kUser = "session_authorization";
constexpr ByteView kRole = "role";

// Back to the value the client's start-up packet asked for, or to the server's default.
ParameterSetRef back_to(const ParameterSetRef& set, const ParameterSetRef& startup, ByteView name) {
  const std::string* value = startup ? startup->find(name) : nullptr;
  return value ? set.with(name, *value) : set.without(name);
}

}  // namespace

void SettingsJournal::link(ParameterSetRef wants, ParameterSetRef startup) {
  now_.wants = std::move(wants);
  startup_ = std::move(startup);
  start_ = now_;
  is_followed_ = true;
}

void SettingsJournal::link_plain() {
  link(base_, {});
  is_followed_ = false;
}

ParameterSetRef SettingsJournal::unlink() {
  startup_ = {};
  start_.wants = start_.has;
  return std::exchange(now_.wants, now_.has);
}

void SettingsJournal::replayed() {
  now_.has = now_.wants;
  start_ = now_;
}

const std::string* SettingsJournal::find(ByteView name) const noexcept {
  const std::string* local = now_.local ? now_.local->find(name) : nullptr;
  if (local) return local;
  return now_.has ? now_.has->find(name) : nullptr;
}

void SettingsJournal::apply(const SettingChange& change, const ParameterSet& reported) {
  REMUDA_CHECK(now_.has && now_.wants);
  is_touched_ = true;
  const bool is_reported = reported.find(change.name) != nullptr;
  switch (change.kind) {
    case SettingChange::Kind::set:
      set(change, is_reported);
      break;
    case SettingChange::Kind::reset:
      reset(change);
      break;
    case SettingChange::Kind::reset_all:
      reset_all(false);
      break;
    case SettingChange::Kind::discard_all:
      discard_all();
      break;
    case SettingChange::Kind::unknown:
      if (!is_reported && !change.local) lose();
      break;
  }
  check_size();
}

void SettingsJournal::set(const SettingChange& change, bool is_reported) {
  if (change.needs_parameters()) return lose();
  if (change.local) return set_local(change);
  reset_role_with(change);
  if (now_.local) now_.local = now_.local.without(change.name);
  const bool is_shared = now_.has == now_.wants;
  const auto changed = [&](const ParameterSetRef& set) {
    return is_reported ? set.without(change.name) : set.with(change.name, change.sql);
  };
  now_.has = changed(now_.has);
  now_.wants = is_shared ? now_.has : changed(now_.wants);
}

void SettingsJournal::reset(const SettingChange& change) {
  if (change.local) return set_local(change);
  reset_role_with(change);
  if (now_.local) now_.local = now_.local.without(change.name);
  now_.has = now_.has.without(change.name);
  now_.wants = back_to(now_.wants, startup_, change.name);
}

// A new user of the session begins without a role.
void SettingsJournal::reset_role_with(const SettingChange& change) {
  if (change.name != kUser) return;
  if (now_.local) now_.local = now_.local.without(kRole);
  now_.has = now_.has.without(kRole);
  now_.wants = now_.wants.without(kRole);
}

void SettingsJournal::set_local(const SettingChange& change) {
  if (!now_.local) now_.local = now_.has.none();
  if (change.name == kUser) now_.local = now_.local.with(kRole, "");
  now_.local = now_.local.with(change.name, change.sql);
}

void SettingsJournal::reset_all(bool roles_too) {
  const auto cleared = [&](const ParameterSetRef& set) {
    ParameterSetRef left = set.none();
    for (ByteView name : {kUser, kRole}) {
      const std::string* value = roles_too ? nullptr : set->find(name);
      if (value) left = left.with(name, *value);
    }
    return left;
  };
  now_.has = cleared(now_.has);
  if (now_.local) now_.local = cleared(now_.local);
  now_.wants = now_.has;
  if (!startup_) return;
  for (const auto& [name, value] : startup_->values()) {
    if (roles_too || !survives_reset_all(name)) now_.wants = now_.wants.with(name, value);
  }
}

// Committed at once, as it stands alone. In a pipeline that fails behind it, only since 14.6
// and 15.1.
void SettingsJournal::discard_all() {
  reset_all(true);
  end(false);
  is_lost_ = false;
  has_discarded_ = true;
}

void SettingsJournal::check_size() {
  if (!now_.has) return;
  size_t size = 0;
  for (const auto& [name, value] : now_.has->values()) size += name.size() + value.size();
  if (size > kMaxText || now_.has->values().size() > kMaxFollowed) lose();
}

void SettingsJournal::end(bool and_chain) {
  now_.local = {};
  start_ = now_;
  savepoints_.clear();
  is_touched_ = false;
  in_block_ = and_chain;
  has_failed_ = false;
}

void SettingsJournal::commit(bool and_chain) {
  if (has_failed_) return rollback(and_chain);
  end(and_chain);
}

void SettingsJournal::rollback(bool and_chain) {
  now_ = start_;
  end(and_chain);
}

void SettingsJournal::savepoint(ByteView name) {
  is_touched_ = true;
  if (!savepoints_.empty()) {
    Savepoint& last = savepoints_.back();
    const State& state = last.state;
    if (last.name == name && state.has == now_.has && state.wants == now_.wants &&
        state.local == now_.local) {
      ++last.times;
      return;
    }
  }
  if (savepoints_.size() == kMaxSavepoints) return lose();
  savepoints_.push_back({std::string(name), now_});
}

// The last savepoint of that name, with none above it; npos when it is not known.
size_t SettingsJournal::find_savepoint(ByteView name) {
  for (size_t i = savepoints_.size(); i-- > 0;) {
    if (savepoints_[i].name != name) continue;
    savepoints_.resize(i + 1);
    return i;
  }
  lose();
  return ByteView::npos;
}

void SettingsJournal::rollback_to(ByteView name) {
  if (find_savepoint(name) == ByteView::npos) return;
  now_ = savepoints_.back().state;
  has_failed_ = false;
}

void SettingsJournal::release(ByteView name) {
  if (find_savepoint(name) == ByteView::npos) return;
  if (--savepoints_.back().times == 0) savepoints_.pop_back();
}

void SettingsJournal::apply(StatementKind kind, ByteView text) {
  switch (kind) {
    case StatementKind::begin:
      return begin();
    case StatementKind::commit:
    case StatementKind::commit_and_chain:
      return commit(kind == StatementKind::commit_and_chain);
    case StatementKind::prepare_transaction:
      return commit();
    case StatementKind::rollback:
    case StatementKind::rollback_and_chain:
      return rollback(kind == StatementKind::rollback_and_chain);
    case StatementKind::savepoint:
    case StatementKind::rollback_to:
    case StatementKind::release: {
      const std::optional<std::string> name = statement_name(kind, text);
      if (!name) return lose();
      if (kind == StatementKind::savepoint) return savepoint(*name);
      if (kind == StatementKind::release) return release(*name);
      return rollback_to(*name);
    }
    default:
      return;
  }
}

void SettingsJournal::fail() {
  if (!is_followed_) return;
  if (in_block_) {
    has_failed_ = true;
  } else {
    rollback();
    if (has_discarded_) lose();
  }
}

void SettingsJournal::end_query(TransactionStatus status) {
  if (!is_followed_) return;
  if (status != TransactionStatus::idle) {
    in_block_ = true;
    has_failed_ = status == TransactionStatus::failed;
    return;
  }
  // A transaction that ended by no statement we know: by an error at its end, if by any.
  if (in_block_ && !has_failed_) lose();
  commit();
}

void SettingsJournal::add_context(ParameterSet::Context& context, bool is_replaying) const {
  const auto add = [&](const ParameterSetRef& set, size_t turn) {
    if (!set || set->values().empty()) return;
    const ParameterSet::Context& more = set->context();
    for (size_t i = 0; i < more.size(); ++i) context[i] ^= more[(i + turn) % more.size()];
  };
  add(is_replaying ? now_.wants : now_.has, 1);
  add(now_.local, 2);
}

std::string setting_replay_sql(const ParameterSet& has, const ParameterSet& wants) {
  if (&has == &wants) return {};
  std::string sql;
  const auto differs = [&](ByteView name) {
    const std::string* old = has.find(name);
    const std::string* now = wants.find(name);
    return old && now ? *old != *now : old != now;
  };
  const ByteView timeout = "statement_timeout";
  // The old one must not end the replay half-way, nor the new one.
  if (has.find(timeout)) sql += "SET statement_timeout=0;";
  if (has.find(kUser)) append_reset(sql, kUser);
  if (has.find(kRole)) append_reset(sql, kRole);
  // Names of other settings' values may be looked up in it.
  const ByteView path = "search_path";
  if (wants.find(path) && differs(path)) sql += *wants.find(path);
  for (const auto& [name, value] : has.values()) {
    if (name != timeout && !survives_reset_all(name) && !wants.find(name)) append_reset(sql, name);
  }
  for (const auto& [name, value] : wants.values()) {
    const bool has_own_place = name == timeout || name == path || survives_reset_all(name);
    if (!has_own_place && differs(name)) sql += value;
  }
  if (const std::string* user = wants.find(kUser)) sql += *user;
  if (const std::string* role = wants.find(kRole)) sql += *role;
  if (const std::string* value = wants.find(timeout)) {
    sql += *value;
  } else if (has.find(timeout)) {
    append_reset(sql, timeout);
  }
  return sql;
}

}  // namespace remuda::session
