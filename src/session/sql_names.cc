#include "sql_names.h"

#include "remuda/session/statement_text.h"
#include "set_config_call.h"
#include "token_walk.h"

namespace remuda::session {

std::optional<SqlReference> read_reference(ByteView text, const TextRules& rules) {
  SqlReference reference;
  reference.kind = statement_kind(text);
  if (!names_statement(reference.kind)) return std::nullopt;
  ByteView statement;
  if (!next_statement(text, statement, rules.standard_strings)) return std::nullopt;
  if (statement_kind(text) != StatementKind::empty) return std::nullopt;
  std::optional<std::string> name = statement_name(reference.kind, statement, reference.tail);
  if (!name) return std::nullopt;
  const bool must_end = reference.kind == StatementKind::deallocate;
  if (must_end && statement_kind(reference.tail) != StatementKind::empty) return std::nullopt;
  reference.name = std::move(*name);
  return reference;
}

std::string quoted(const StatementDigest& digest) {
  const StatementName name = server_name(digest);
  return '"' + std::string(view_of(name)) + '"';
}

std::optional<std::string> prepare_sql(const StatementRef& statement) {
  const ByteView body = statement->sent();
  if (statement->form() == Statement::Form::sql) {
    return "PREPARE " + quoted(statement->digest()) + std::string(body);
  }
  const size_t end = body.find('\0');
  const bool names_types = body.substr(end).find_first_not_of('\0') != ByteView::npos;
  // Types that are left open may be counted all the same.
  if (end == ByteView::npos || (names_types && body.size() > end + 3)) return std::nullopt;
  return "PREPARE " + quoted(statement->digest()) + " AS " + std::string(body.substr(0, end));
}

std::string execute_sql(const StatementDigest& digest, ByteView tail) {
  return "EXECUTE " + quoted(digest) + std::string(tail);
}

std::string deallocate_sql(const StatementDigest& digest) {
  return "DEALLOCATE " + quoted(digest);
}

// Values of types that are named are as text only what the server makes of them.
StatementEffect effect_of_execute(const Statement& statement, ByteView tail,
                                  const TextRules& rules) {
  StatementEffect effect = statement.effect();
  if (effect.kind == StatementKind::other) effect.kind = StatementKind::execute;
  if (!statement.needs_parameters()) return effect;
  std::vector<std::optional<std::string>> arguments;
  if (statement.form() == Statement::Form::parse) arguments = read_execute_arguments(tail, rules);
  const std::vector<std::optional<ByteView>> values(arguments.begin(), arguments.end());
  effect.changes = bind_parameters(effect.changes, values, rules);
  return effect;
}

// Types that are named by SQL cannot be written into a Parse; without them a PREPARE is one.
StatementRef intern_prepared(StatementTable& table, ByteView tail,
                             const ParameterSet::Context& context, const TextRules& rules) {
  TokenWalk walk(tail, rules.standard_strings);
  if (!walk.is("as")) return table.intern_sql(tail, context, rules);
  std::string body(walk.behind());
  body.append(3, '\0');
  return table.intern(body, context, rules);
}

StatementRef intern_again(StatementTable& table, const StatementRef& statement,
                          const ParameterSet::Context& context, const TextRules& rules) {
  const ByteView body = statement->body();
  const bool is_sql = statement->form() == Statement::Form::sql;
  return is_sql ? table.intern_sql(body, context, rules) : table.intern(body, context, rules);
}

}  // namespace remuda::session
