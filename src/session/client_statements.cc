#include "remuda/session/client_statements.h"

namespace remuda::session {

StatementCopies copy_out(const ClientStatements* statements) {
  StatementCopies copies;
  if (!statements) return copies;
  const auto copy = [&](const std::string& name, const Statement& statement) {
    copies.push_back({name, std::string(statement.body()), statement.context()});
  };
  for (const auto& [name, statement] : statements->named) copy(name, *statement);
  // One that was too long to keep works on the server that has it only, and that is left behind.
  const StatementRef& unnamed = statements->unnamed.statement;
  if (unnamed && !unnamed->body().empty()) copy({}, *unnamed);
  return copies;
}

std::unique_ptr<ClientStatements> copy_in(const StatementCopies& copies, StatementTable& table) {
  if (copies.empty()) return nullptr;
  auto statements = std::make_unique<ClientStatements>();
  for (const StatementCopy& copy : copies) {
    StatementRef statement = table.intern(copy.body, copy.context);
    if (copy.name.empty()) {
      statements->unnamed.set(std::move(statement));
    } else {
      statements->named.emplace(copy.name, std::move(statement));
    }
  }
  return statements;
}

}  // namespace remuda::session
