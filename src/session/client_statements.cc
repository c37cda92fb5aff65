#include "remuda/session/client_statements.h"

namespace remuda::session {

StatementCopies copy_out(const ClientStatements* statements) {
  StatementCopies copies;
  if (!statements) return copies;
  for (const auto& [name, statement] : statements->named) {
    copies.emplace_back(name, copy_of(*statement));
  }
  // One that was too long to keep works on the server that has it only, and that is left behind.
  const StatementRef& unnamed = statements->unnamed.statement;
  if (unnamed && !unnamed->body().empty()) copies.emplace_back("", copy_of(*unnamed));
  return copies;
}

std::unique_ptr<ClientStatements> copy_in(const StatementCopies& copies, StatementTable& table) {
  if (copies.empty()) return nullptr;
  auto statements = std::make_unique<ClientStatements>();
  for (const auto& [name, copy] : copies) {
    if (name.empty()) {
      statements->unnamed.set(table.intern(copy));
    } else {
      statements->named.emplace(name, table.intern(copy));
    }
  }
  return statements;
}

}  // namespace remuda::session
