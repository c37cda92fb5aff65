// Parse: its statement gets a name of its content, and is not sent where the server has it.
#include <utility>

#include "asking.h"
#include "remuda/wire/sqlstate.h"
#include "statement_limits.h"
#include "statement_message.h"
#include "unsettled.h"

namespace remuda::session {
// For the client and, unless it is kept like a named one, on the server.
void StatementMessage::replace_unnamed(StatementChange& change, const StatementRef& statement) {
  change.client_unnamed = true;
  change.client_previous = own().unnamed.set(statement);
  change.client_version = own().unnamed.version;
  if (limits_.prepare_unnamed) return;
  replace_server_unnamed(change, statement);
}

// It is known that the transaction has failed, and nothing on its way can end it.
bool StatementMessage::is_aborted() const noexcept {
  if (server_.status != TransactionStatus::failed) return false;
  for (size_t i = 0; i < server_.pipeline.size(); ++i) {
    const Reply owed = server_.pipeline.at(i).reply;
    if (owed == Reply::query || owed == Reply::execute) return false;
  }
  return true;
}

bool StatementMessage::parse_unnamed(ByteView body) {
  StatementChange change;
  if (!resolve(body, change.statement)) return false;
  provide_target(change.statement);
  replace_unnamed(change, change.statement);
  const ByteView kept = change.statement->sent();
  const bool is_mapped = change.statement->mapping() != nullptr;
  ask(server_, Reply::parse, Action::forward, std::move(change));
  if (is_mapped || walk_.is_assembling()) {
    // What was collected may be longer than scratch.
    put_parse({}, kept);
    swallow();
  } else {
    forward_as_it_is();
  }
  return true;
}

// Without a name it works on this server only.
void StatementMessage::take_unkept(bool is_without_name) {
  if (!is_without_name || limits_.prepare_unnamed) {
    return refuse(wire::sqlstate::kProgramLimitExceeded,
                  "prepared statement is too long to be kept",
                  "At most 16 MiB can be, and any length without a name.");
  }
  StatementChange change;
  change.statement = limits_.statements->make_unkept();
  replace_unnamed(change, change.statement);
  ask(server_, Reply::parse, Action::forward, std::move(change));
  forward_as_it_is();
}

bool StatementMessage::parse(ByteView name, ByteView body) {
  if (is_unnamed(name)) return parse_unnamed(body);
  if (is_unsettled(server_, name)) return false;
  if (!name.empty() && find(name)) {
    refuse_duplicate(name);
    return true;
  }
  if (own().named.size() >= kMostStatements) {
    refuse(wire::sqlstate::kProgramLimitExceeded, "too many prepared statements");
    return true;
  }
  StatementRef statement;
  if (!resolve(body, statement) || is_unsettled(server_, statement->digest())) return false;
  provide_target(statement);
  StatementChange change;
  if (name.empty()) {
    replace_unnamed(change, statement);
  } else {
    change.client_added = true;
    change.name = name;
    own().named.emplace(change.name, statement);
    ++walk_.counts().client_parses;
  }
  if (!server_.statements.use(statement->digest())) {
    prepare(statement, Action::forward, std::move(change));
    swallow();
    return true;
  }
  change.statement = statement;
  const bool aborted = is_aborted();
  if (aborted) {
    // Whether it is refused for that, or may end the transaction, is the server's to say.
    replace_server_unnamed(change, statement);
    put_parse({}, statement->sent());
    ++walk_.counts().server_parses;
  }
  ask(server_, Reply::parse, aborted ? Action::forward : Action::answer, std::move(change));
  swallow();
  return true;
}

}  // namespace remuda::session
