#include "typed_prepare.h"

#include <string>
#include <utility>

#include "asking.h"
#include "put_message.h"
#include "sql_names.h"

namespace remuda::session {
namespace {

// The statement's own text stays where it is: the change that is pushed keeps it alive.
void put_parse_of(Egress& out, ByteView name, const StatementRef& statement) {
  const std::string prepare = "PREPARE " + quoted(statement->digest());
  const ByteView tail = statement->body();
  put_header(out, 'P', name.size() + 1 + prepare.size() + tail.size() + 3);
  put_cstring(out, name);
  out.copy(prepare);
  put_text(out, tail);
  out.copy(ByteView("\0\0\0", 3));
}

void put_bind(Egress& out, ByteView name) {
  put_header(out, 'B', 2 * (name.size() + 1) + 6);
  put_cstring(out, name);
  put_cstring(out, name);
  out.copy(ByteView("\0\0\0\0\0\0", 6));
}

void put_execute(Egress& out, ByteView name) {
  put_header(out, 'E', name.size() + 1 + 4);
  put_cstring(out, name);
  out.copy(ByteView("\0\0\0\0", 4));
}

void put_close(Egress& out, ByteView kind, ByteView name) {
  put_header(out, 'C', 1 + name.size() + 1);
  out.copy(kind);
  put_cstring(out, name);
}

StatementChange change_of(ServerView& server, const StatementRef& statement) {
  StatementChange change;
  QueryStep& step = change.steps.emplace_back();
  step.effect.kind = StatementKind::prepare;
  step.is_ours = step.server_added = true;
  step.digest = statement->digest();
  step.statement = statement;
  server.statements.add(step.digest);
  return change;
}

}  // namespace

void put_typed_prepare(FrameWalk& walk, ServerView& server, const StatementRef& statement) {
  // The client's unnamed statement and portal stay as they are.
  const std::string name = "remuda_gone_" + std::to_string(server.gone++);
  Egress& out = walk.out();
  put_parse_of(out, name, statement);
  put_bind(out, name);
  put_execute(out, name);
  put_close(out, "P", name);
  put_close(out, "S", name);
  ask(server, Reply::parse, Action::swallow);
  ask(server, Reply::bind, Action::swallow);
  // This one changes no setting.
  const bool may_set = server.may_set;
  ask(server, Reply::execute, Action::swallow, change_of(server, statement));
  server.may_set = may_set;
  ask(server, Reply::close, Action::swallow);
  ask(server, Reply::close, Action::swallow);
}

}  // namespace remuda::session
