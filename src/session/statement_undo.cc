#include "statement_undo.h"

#include <utility>

namespace remuda::session {
namespace {

// Undoes a replacement of the unnamed statement, after which the slot had this version. Where later
// batches have replaced it again, they have replaced what was there before.
void put_back(ServerView& server, size_t later, StatementSlot& now, uint64_t version,
              const StatementSlot& before, StatementSlot StatementChange::*previous) {
  if (now.version == version) {
    now = before;
    return;
  }
  for (size_t i = later; i < server.changes.size(); ++i) {
    StatementSlot& theirs = server.changes[i].*previous;
    if (theirs.version == version) theirs = before;
  }
}

// Does again what is on its way, to statements that have been forgotten.
template <class Change>
void redo(Change& change, ServerView& server, ClientStatements* own) {
  if (change.server_added) server.statements.add(change.digest);
  if (change.server_removed) change.server_removed = server.statements.remove(change.digest);
  if (!own) return;
  if (change.client_added) own->named.emplace(change.name, change.statement);
  if (change.client_removed) change.client_removed = own->named.erase(change.name) > 0;
}

}  // namespace

void undo_changes(ServerView& server, ClientView* client, size_t n, bool is_first_failed) {
  ClientStatements* own = client ? client->statements.get() : nullptr;
  for (size_t i = n; i-- > 0;) {
    StatementChange& change = server.changes[i];
    undo_steps(server, client, change.steps, change.completed);
    // A Parse that fails has ended the unnamed statement before it.
    const bool has_failed = is_first_failed && i == 0;
    if (change.server_added) server.statements.remove(change.digest);
    if (change.server_removed) server.statements.add_oldest(change.digest);
    if (change.server_unnamed) {
      if (has_failed) change.server_previous.statement = {};
      put_back(server, n, server.unnamed, change.server_version, change.server_previous,
               &StatementChange::server_previous);
    }
    if (!own) continue;
    if (change.client_added) own->named.erase(change.name);
    if (change.client_removed) own->named.emplace(change.name, change.statement);
    if (change.client_unnamed) {
      if (has_failed) change.client_previous.statement = {};
      put_back(server, n, own->unnamed, change.client_version, change.client_previous,
               &StatementChange::client_previous);
    }
  }
  server.changes.drop(n);
}

void undo_steps(ServerView& server, ClientView* client, const std::vector<QueryStep>& steps,
                size_t completed) {
  ClientStatements* own = client ? client->statements.get() : nullptr;
  for (size_t i = steps.size(); i-- > completed;) {
    const QueryStep& step = steps[i];
    if (step.server_added) server.statements.remove(step.digest);
    if (step.server_removed) server.statements.add_oldest(step.digest);
    if (own && step.client_added) own->named.erase(step.name);
    if (own && step.client_removed) own->named.emplace(step.name, step.statement);
  }
}

void forget_statements(ServerView& server, ClientView* client) {
  server.statements.clear();
  ClientStatements* own = client ? client->statements.get() : nullptr;
  if (own) own->named.clear();
  for (size_t i = 0; i < server.changes.size(); ++i) {
    StatementChange& change = server.changes[i];
    redo(change, server, own);
    for (size_t n = change.completed; n < change.steps.size(); ++n) {
      redo(change.steps[n], server, own);
    }
  }
}

void renew_statements(ClientView& client) noexcept {
  if (!client.statements) return;
  for (auto& [name, statement] : client.statements->named) statement->renew();
  const StatementRef& unnamed = client.statements->unnamed.statement;
  if (unnamed) unnamed->renew();
}

}  // namespace remuda::session
