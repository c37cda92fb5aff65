#include "unit/session/model_pg.h"

#include <utility>

#include "remuda/wire/reader.h"
#include "support/catch.h"
#include "unit/session/messages.h"

namespace remuda::session::test {
namespace {

// The statements of a text, all of which must be ones that PostgreSQL can parse.
std::vector<ModelSql> parse_all(ByteView text) {
  std::vector<ModelSql> statements = read_model_sql(text);
  for (const ModelSql& sql : statements) {
    if (sql.is(0, "bad")) throw ModelError{"42601"};
    if (!sql.is(0, "prepare")) continue;
    size_t i = 2;
    while (i < sql.tokens.size() && !sql.is(i, "as")) ++i;
    if (!sql.is(i + 1, "select")) throw ModelError{"42601"};
  }
  return statements;
}

}  // namespace

ModelPg::ModelPg(bool reports_at_once, const ModelSession::Values& startup)
    : session_(startup), reports_at_once_(reports_at_once) {
  for (const auto& [name, value] : ModelSession::defaults()) {
    if (ModelSession::is_reported(name)) reported_[name] = session_.setting(name);
  }
}

std::string ModelPg::answer(std::string& bytes) {
  while (bytes.size() >= 5 && bytes.size() > load_u32(bytes.data() + 1)) {
    const size_t size = size_t{1} + load_u32(bytes.data() + 1);
    answer_one(bytes[0], ByteView(bytes).substr(5, size - 5));
    bytes.erase(0, size);
  }
  return std::exchange(out_, {});
}

void ModelPg::answer_one(char type, ByteView body) {
  if (type == 'S') return end_batch();
  if (skips_ || type == 'H') return;
  wire::Reader reader(body);
  if (type == 'Q') return simple(reader.cstring());
  try {
    session_.start();
    const bool is_portal = (type == 'D' || type == 'C') && reader.u8() == 'P';
    if (type == 'B') return bind(body);
    const std::string name(reader.cstring());
    if (type == 'P') return parse(name, reader.cstring());
    if (type == 'D') return describe(is_portal, name);
    if (type == 'E') return execute(name, reader.u32());
    if (type == 'C') return close(is_portal, name);
    FAIL("a message that the model does not know");
  } catch (const ModelError& error) {
    fail(error);
    skips_ = true;
  }
}

void ModelPg::report() {
  for (auto& [name, value] : reported_) {
    if (value == session_.setting(name)) continue;
    value = session_.setting(name);
    out_ += parameter(name == "datestyle" ? "DateStyle" : name, value);
  }
}

void ModelPg::say_ready() {
  report();
  out_ += ready(session_.status());
}

void ModelPg::fail(const ModelError& error) {
  const bool is_outdated = std::string_view(error.code) == "0A000";
  out_ += message('E', "C" + zero_ended(error.code) +
                           (is_outdated ? "R" + zero_ended("RevalidateCachedQuery") : "") + '\0');
  session_.fail();
  if (reports_at_once_) report();
}

void ModelPg::end_batch() {
  skips_ = false;
  try {
    session_.finish();
  } catch (const ModelError& error) {
    fail(error);
  }
  say_ready();
}

void ModelPg::simple(ByteView text) {
  try {
    run_simple(text);
  } catch (const ModelError& error) {
    fail(error);
  }
  say_ready();
}

void ModelPg::run_simple(ByteView text) {
  unnamed_.reset();
  session_.close_portal("");
  session_.start();
  const std::vector<ModelSql> statements = parse_all(text);
  for (size_t i = 0; i < statements.size(); ++i) {
    session_.start(statements.size() > 1);
    const ModelOutcome outcome = session_.run(statements[i]);
    for (const std::string& row : outcome.rows) out_ += data_row(row);
    if (i + 1 == statements.size()) session_.finish();
    if (reports_at_once_) report();
    out_ += complete(outcome.tag);
  }
  if (statements.empty()) {
    session_.finish();
    out_ += message('I');
  }
}

const ModelPrepared* ModelPg::find(const std::string& name) const {
  if (name.empty()) return unnamed_ ? &*unnamed_ : nullptr;
  const auto at = session_.statements().find(name);
  return at == session_.statements().end() ? nullptr : &at->second;
}

const ModelPrepared& ModelPg::statement(const std::string& name) const {
  const ModelPrepared* found = find(name);
  if (!found) throw ModelError{"26000"};
  if (found->is_outdated) throw ModelError{"0A000"};
  return *found;
}

void ModelPg::parse(const std::string& name, ByteView text) {
  if (name.empty()) unnamed_.reset();
  const std::vector<ModelSql> statements = parse_all(text);
  if (statements.size() > 1) throw ModelError{"42601"};
  const ModelSql sql = statements.empty() ? ModelSql{} : statements[0];
  const bool is_failed = session_.block() == ModelSession::Block::failed;
  if (is_failed && !statements.empty() && !sql.ends_transaction()) throw ModelError{"25P02"};
  if (name.empty()) {
    unnamed_ = session_.prepared(sql);
  } else {
    session_.prepare(name, session_.prepared(sql));
  }
  out_ += parse_complete();
}

void ModelPg::bind(ByteView body) {
  wire::Reader reader(body);
  const std::string portal(reader.cstring());
  const ModelSql sql = statement(std::string(reader.cstring())).sql;
  reader.bytes(2 * size_t{reader.u16()});
  ModelPortal bound{sql, ModelValues(reader.u16())};
  for (auto& value : bound.values) {
    const int32_t size = reader.i32();
    if (size >= 0) value = reader.bytes(static_cast<size_t>(size));
  }
  REQUIRE(reader.ok());
  if (bound.values.size() != sql.parameters()) throw ModelError{"08P01"};
  const bool is_failed = session_.block() == ModelSession::Block::failed;
  if (is_failed && !sql.ends_transaction()) throw ModelError{"25P02"};
  session_.open_portal(portal, std::move(bound));
  out_ += bind_complete();
}

void ModelPg::describe(bool is_portal, const std::string& name) {
  ModelSql sql = is_portal ? session_.portal(name).sql : statement(name).sql;
  const bool is_failed = session_.block() == ModelSession::Block::failed;
  if (is_failed && sql.returns_rows()) throw ModelError{"25P02"};
  if (!is_portal) out_ += message('t', std::to_string(sql.parameters()));
  if (sql.is(0, "execute")) {
    const ModelPrepared* const run = find(sql.tokens.at(1).text);
    sql = run ? run->sql : ModelSql{};
  }
  out_ += sql.returns_rows() ? message('T', sql.text()) : no_data();
}

void ModelPg::execute(const std::string& name, uint32_t most) {
  ModelPortal& portal = session_.portal(name);
  const ModelSql sql = portal.sql;
  if (sql.tokens.empty()) {
    out_ += message('I');
    return;
  }
  const bool is_failed = session_.block() == ModelSession::Block::failed;
  if (is_failed && !sql.ends_transaction()) throw ModelError{"25P02"};
  if (portal.has_run) {
    if (!sql.returns_rows()) throw ModelError{"55000"};
    out_ += complete(sql.is(0, "show") ? "SHOW" : "SELECT 0");
    session_.note_pipelined();
    return;
  }
  portal.has_run = true;
  const ModelValues values = portal.values;
  const ModelOutcome outcome = session_.run(sql, values);
  for (const std::string& row : outcome.rows) out_ += data_row(row);
  if (!sql.controls_transaction()) session_.note_pipelined();
  if (reports_at_once_) report();
  const bool is_suspended = most > 0 && outcome.rows.size() == most;
  out_ += is_suspended ? suspended() : complete(outcome.tag);
}

void ModelPg::close(bool is_portal, const std::string& name) {
  if (is_portal) {
    session_.close_portal(name);
  } else if (name.empty()) {
    unnamed_.reset();
  } else {
    session_.drop(name);
  }
  out_ += close_complete();
}

}  // namespace remuda::session::test
