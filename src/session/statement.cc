#include "remuda/session/statement.h"

#include <algorithm>
#include <memory>

#include "remuda/base/error.h"
#include "remuda/wire/crypto.h"
#include "token_walk.h"

namespace remuda::session {
namespace {

// Multiplies and folds eight bytes at a time; unpredictable without the seed.
size_t seeded_hash(uint64_t seed, ByteView bytes) noexcept {
  constexpr uint64_t kFactor = 0x9fb21c651e98df25;
  const auto mix = [](uint64_t a, uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  };
  uint64_t hash = seed ^ bytes.size();
  while (bytes.size() >= 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data(), 8);
    hash = mix(hash ^ word, seed | 1) + kFactor;
    bytes.remove_prefix(8);
  }
  uint64_t tail = 0;
  std::memcpy(&tail, bytes.data(), bytes.size());
  return mix(hash ^ tail, kFactor ^ seed);
}

uint64_t random_seed() {
  uint64_t seed;
  std::memcpy(&seed, wire::random_bytes(sizeof seed).data(), sizeof seed);
  return seed;
}

// What is prepared by (type, ...) AS ...
ByteView behind_types(ByteView body, const TextRules& rules) noexcept {
  TokenWalk walk(body, rules.standard_strings);
  while (!walk.at_end() && !walk.is("as")) walk.advance();
  return walk.behind();
}

}  // namespace

StatementName server_name(const StatementDigest& digest) noexcept {
  constexpr ByteView kPrefix = "remuda_";
  StatementName name;
  std::memcpy(name.data(), kPrefix.data(), kPrefix.size());
  store_hex(name.data() + kPrefix.size(), {digest.bytes.data(), digest.bytes.size()});
  return name;
}

const StatementDigest& Statement::digest() {
  if (has_digest_) return digest_;
  std::string content(context_.data(), context_.size());
  content.append(reinterpret_cast<const char*>(&generation_), sizeof generation_);
  if (form_ == Form::sql) content += "SQL";
  if (mapping_) {
    content += "MAP";
    content.append(mapping_->digest.bytes.data(), mapping_->digest.bytes.size());
  }
  content += body_;
  const wire::Digest whole = wire::sha256(content);
  std::memcpy(digest_.bytes.data(), whole.data(), digest_.bytes.size());
  has_digest_ = true;
  return digest_;
}

bool Statement::needs_parameters() const noexcept {
  return std::any_of(effect_.changes.begin(), effect_.changes.end(),
                     [](const SettingChange& change) { return change.needs_parameters(); });
}

void Statement::renew() noexcept {
  ++generation_;
  has_digest_ = false;
}

StatementRef::~StatementRef() {
  if (statement_ && --statement_->references_ == 0) statement_->table_->forget(statement_);
}

StatementTable::StatementTable() : seed_(random_seed()) {}

StatementTable::~StatementTable() {
  REMUDA_CHECK(statements_.empty());
}

StatementCopy copy_of(const Statement& statement) {
  return {statement.form(), std::string(statement.body()), statement.context(), statement.effect()};
}

StatementTable::Key StatementTable::key_of(Statement::Form form, ByteView body,
                                           const ParameterSet::Context& context,
                                           const StatementDigest& target) const noexcept {
  uint64_t context_seed;
  std::memcpy(&context_seed, context.data(), sizeof context_seed);
  const uint64_t seed = seed_ ^ context_seed ^ StatementDigest::Hash()(target);
  return {form, body, context, target, seeded_hash(seed, body)};
}

Statement* StatementTable::find(const Key& key) const noexcept {
  const auto at = statements_.find(key);
  return at == statements_.end() ? nullptr : *at;
}

StatementRef StatementTable::add(const Key& key, StatementEffect effect,
                                 std::unique_ptr<const StatementMapping> mapping) {
  auto statement = std::make_unique<Statement>();
  statement->table_ = this;
  statement->form_ = key.form;
  statement->body_ = key.body;
  statement->context_ = key.context;
  statement->hash_ = key.hash;
  statement->effect_ = std::move(effect);
  statement->mapping_ = std::move(mapping);
  statements_.insert(statement.get());
  return StatementRef(statement.release());
}

StatementRef StatementTable::intern(ByteView body, const ParameterSet::Context& context,
                                    const TextRules& rules) {
  const Key key = key_of(Statement::Form::parse, body, context);
  if (Statement* known = find(key)) return StatementRef(known);
  const ByteView text = body.substr(0, body.find('\0'));
  return add(key, read_effect(statement_kind(text), text, rules));
}

StatementRef StatementTable::intern_sql(ByteView body, const ParameterSet::Context& context,
                                        const TextRules& rules) {
  const Key key = key_of(Statement::Form::sql, body, context);
  if (Statement* known = find(key)) return StatementRef(known);
  const ByteView text = behind_types(body, rules);
  return add(key, read_effect(statement_kind(text), text, rules));
}

StatementRef StatementTable::intern(ByteView body, const ParameterSet::Context& context,
                                    const TextRules& rules, StatementMapping mapping) {
  const Key key = key_of(Statement::Form::parse, body, context, mapping.digest);
  if (Statement* known = find(key)) return StatementRef(known);
  const ByteView text = body.substr(0, body.find('\0'));
  return add(key, read_effect(statement_kind(text), text, rules),
             std::make_unique<const StatementMapping>(std::move(mapping)));
}

StatementRef StatementTable::intern(const StatementCopy& copy) {
  const Key key = key_of(copy.form, copy.body, copy.context);
  if (Statement* known = find(key)) return StatementRef(known);
  return add(key, copy.effect);
}

StatementRef StatementTable::make_unkept() {
  auto statement = std::make_unique<Statement>();
  statement->table_ = this;
  statements_.insert(statement.get());
  return StatementRef(statement.release());
}

void StatementTable::forget(Statement* statement) noexcept {
  statements_.erase(statement);
  delete statement;
}

}  // namespace remuda::session
