// The settings of one server's session, and what its client believes they are, as statements and
// transactions change them: BEGIN, COMMIT, ROLLBACK, savepoints, failed statements, SET LOCAL, and
// the implicit transaction of a Query or of a batch up to its Sync. Holds what a server does not
// report (ParameterStatus tells the rest, see session/parameters.h).
//
// Settings are interned sets of a ParameterTable in which the value of a name is the SQL that sets
// it, so that two sides are equal when the pointers are. Three of them: what the server *has*, what
// the client *wants*, and what is *local* to the transaction. The first two differ only where the
// client went back to a value of its start-up packet, which is no default of the server.
//
// Owned by the server's view: a transaction outlives the client that leaves it. Every call stands
// for a reply of the server, in their order. Nothing is allocated where no setting is changed and
// no savepoint is set. PostgreSQL manual, SQL Commands: SET, SAVEPOINT; Message Flow: Pipelining.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "remuda/session/parameters.h"
#include "remuda/session/setting_change.h"
#include "remuda/session/transaction.h"

namespace remuda::session {

class SettingsJournal {
 public:
  // More settings, or longer ones in total, and the server is no more followed (is_lost).
  static constexpr size_t kMaxFollowed = 256;
  static constexpr size_t kMaxText = size_t{1} << 20;
  static constexpr size_t kMaxSavepoints = 1024;

  SettingsJournal() = default;
  // A server whose session `has` these settings beside its defaults, and had those of `base` when
  // it was new: what connect_query has set.
  SettingsJournal(ParameterSetRef base, ParameterSetRef has)
      : now_{has, has, {}}, start_(now_), base_(std::move(base)) {}
  explicit SettingsJournal(ParameterSetRef has) : SettingsJournal(has, has) {}

  // A client comes, between two transactions. `startup` is what its start-up packet asked for,
  // which RESET goes back to.
  void link(ParameterSetRef wants, ParameterSetRef startup);
  // One whose settings do not follow it comes: it wants those of a new server, and what it does is
  // not followed.
  void link_plain();
  // It goes; what it wants now is for its next server.
  ParameterSetRef unlink();

  // False for one made without a set: nothing is followed then, and only `ready` may be called.
  bool is_on() const noexcept { return static_cast<bool>(now_.has); }

  // Whose statements are applied: of the client it has, or had last.
  bool is_followed() const noexcept { return is_followed_; }

  // Pointers differ: setting_replay_sql(has, wants) must run first, and then `replayed` be called.
  bool needs_replay() const noexcept { return !(now_.has == now_.wants); }
  void replayed();

  const ParameterSetRef& has() const noexcept { return now_.has; }
  const ParameterSetRef& wants() const noexcept { return now_.wants; }
  const ParameterSetRef& base() const noexcept { return base_; }
  // The SQL by which a setting got its value here, local or not; nullptr for the server's default.
  const std::string* find(ByteView name) const noexcept;
  // Something was set that cannot be followed: nobody else may have this server before DISCARD ALL.
  bool is_lost() const noexcept { return is_lost_; }
  // The end of the transaction decides about settings.
  bool is_at_stake() const noexcept { return is_touched_; }
  // Mixes what the settings make of a statement's text into what the parameters do: those of now,
  // or those that a replay on its way will have set.
  void add_context(ParameterSet::Context& context, bool is_replaying = false) const;

  // A statement has succeeded. `reported` are the names that the server reports.
  void apply(const SettingChange& change, const ParameterSet& reported);
  void begin() noexcept { in_block_ = true; }
  void commit(bool and_chain = false);
  void rollback(bool and_chain = false);
  void savepoint(ByteView name);
  void rollback_to(ByteView name);
  void release(ByteView name);
  // Any kind that changes transactions; others do nothing. `text` for the name of a savepoint.
  void apply(StatementKind kind, ByteView text);
  // A statement has changed what could not be seen.
  void lose() noexcept { is_lost_ = true; }
  // The server's session has no settings of its own any more: after DISCARD ALL.
  void discard() { *this = SettingsJournal(base_, now_.has.none()); }

  // ErrorResponse.
  void fail();
  // ReadyForQuery.
  void ready(TransactionStatus status) {
    has_discarded_ = false;
    if (is_touched_ || status != TransactionStatus::idle) return end_query(status);
    in_block_ = has_failed_ = false;
  }

 private:
  struct State {
    ParameterSetRef has;
    ParameterSetRef wants;
    ParameterSetRef local;  // null: none
  };
  // `times` savepoints of one name, one upon the other, with nothing changed between.
  struct Savepoint {
    std::string name;
    State state;
    size_t times = 1;
  };

  void end_query(TransactionStatus status);
  void set(const SettingChange& change, bool is_reported);
  void reset(const SettingChange& change);
  void reset_all(bool roles_too);
  void discard_all();
  void reset_role_with(const SettingChange& change);
  void set_local(const SettingChange& change);
  void end(bool and_chain);
  void check_size();
  size_t find_savepoint(ByteView name);

  State now_;
  State start_;  // when the transaction began
  ParameterSetRef base_;
  ParameterSetRef startup_;
  std::vector<Savepoint> savepoints_;
  bool is_touched_ = false;  // since the transaction began: a setting, a savepoint
  bool in_block_ = false;
  bool has_failed_ = false;     // the open transaction: nothing but its end or ROLLBACK TO succeeds
  bool has_discarded_ = false;  // since ReadyForQuery
  bool is_lost_ = false;
  bool is_followed_ = false;
};

// SQL that brings a server from one set of settings to another; empty when nothing differs. What
// the other does not have is RESET. Roles are given up first and taken last, as the user who logged
// in may set whatever a role may.
std::string setting_replay_sql(const ParameterSet& has, const ParameterSet& wants);

}  // namespace remuda::session
