// PREPARE, EXECUTE and DEALLOCATE as texts: the name in them, and the same with a server's name in
// its place. Used by the conversation only. PostgreSQL manual, SQL Commands: PREPARE, EXECUTE,
// DEALLOCATE.
#pragma once

#include <optional>
#include <string>

#include "remuda/session/statement.h"

namespace remuda::session {

// Whether a statement of this kind may name a prepared statement.
constexpr bool names_statement(StatementKind kind) noexcept {
  return kind == StatementKind::prepare || kind == StatementKind::execute ||
         kind == StatementKind::deallocate;
}

struct SqlReference {
  StatementKind kind = StatementKind::other;
  std::string name;
  ByteView tail;  // what follows the name
};
// Of a text that is one of them and nothing else, if its name can be read.
std::optional<SqlReference> read_reference(ByteView text, const TextRules& rules);

// PREPARE of it under the server's name. Nothing for one whose parameter types only a Parse names.
std::optional<std::string> prepare_sql(const StatementRef& statement);
std::string execute_sql(const StatementDigest& digest, ByteView tail);
std::string deallocate_sql(const StatementDigest& digest);
// What EXECUTE of it does, with this behind the name.
StatementEffect effect_of_execute(const Statement& statement, ByteView tail,
                                  const TextRules& rules);
// The server's name as an identifier.
std::string quoted(const StatementDigest& digest);

// What a PREPARE makes, by what follows its name.
StatementRef intern_prepared(StatementTable& table, ByteView tail,
                             const ParameterSet::Context& context, const TextRules& rules);
// What the same text means under other settings.
StatementRef intern_again(StatementTable& table, const StatementRef& statement,
                          const ParameterSet::Context& context, const TextRules& rules);

}  // namespace remuda::session
