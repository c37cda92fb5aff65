// What kind of statement a query text is, by its first words: which of them change the state of a
// session or of a transaction. Never a full parse: text that begins with another word costs a few
// nanoseconds. Pure, linear, allocates only where a name is returned. The text is of a Query or a
// Parse, without the zero that ends it. PostgreSQL manual, SQL Commands.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "remuda/base/bytes.h"

namespace remuda::session {

enum class StatementKind : uint8_t {
  other,  // has no effect on the session that a text could tell
  empty,  // nothing but blanks and comments: it has no CommandComplete
  // Settings: see session/setting_change.h.
  set,
  reset,
  discard,  // PLANS, SEQUENCES
  discard_temp,
  discard_all,
  select_set_config,  // SELECT set_config(...): perhaps with more behind it
  // Transactions.
  begin,
  commit,
  commit_and_chain,
  rollback,
  rollback_and_chain,
  savepoint,
  release,
  rollback_to,
  prepare_transaction,
  // Prepared statements.
  prepare,
  execute,
  deallocate,
  deallocate_all,
  // State that stays on a server.
  listen,
  unlisten,
  notify,
  declare_cursor,
  declare_hold_cursor,
  create_temp,
  load,
  // Code that may do any of this unseen.
  do_block,
  call,
  // Not of a text: what was sent could not be looked at.
  unseen,
};

// The kind of the first statement that is not empty.
StatementKind statement_kind(ByteView text) noexcept;

// False when the text holds one statement at most, as nearly all do; true when it may hold more.
bool may_hold_more(ByteView text) noexcept;

// Takes the first statement that is not empty off the front of `text`, without its semicolon.
// False at the end. Statements of this and CommandCompletes of the server are in step. An
// unfinished quote or comment belongs to the last statement; a server refuses the whole text then.
bool next_statement(ByteView& text, ByteView& statement, bool standard_strings) noexcept;

// The name in a statement of these kinds: savepoint, release, rollback_to, prepare, execute,
// deallocate, listen, unlisten, notify. Nothing when it has none or it cannot be read.
std::optional<std::string> statement_name(StatementKind kind, ByteView statement);
// The same, and what follows the name.
std::optional<std::string> statement_name(StatementKind kind, ByteView statement, ByteView& tail);

// The name in a DEALLOCATE of one statement that has nothing behind it.
std::optional<std::string> deallocated_name(ByteView statement);

}  // namespace remuda::session
