#include "remuda/session/statement.h"

#include <memory>

#include "remuda/base/error.h"
#include "remuda/wire/crypto.h"

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

bool starts_with_word(ByteView text, ByteView word) noexcept {
  return text.size() >= word.size() && same_name(text.substr(0, word.size()), word);
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
  content += body_;
  const wire::Digest whole = wire::sha256(content);
  std::memcpy(digest_.bytes.data(), whole.data(), digest_.bytes.size());
  has_digest_ = true;
  return digest_;
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

StatementRef StatementTable::intern(ByteView body, const ParameterSet::Context& context) {
  uint64_t context_seed;
  std::memcpy(&context_seed, context.data(), sizeof context_seed);
  const Key key{body, context, seeded_hash(seed_ ^ context_seed, body)};
  if (const auto at = statements_.find(key); at != statements_.end()) return StatementRef(*at);
  auto statement = std::make_unique<Statement>();
  statement->table_ = this;
  statement->body_ = body;
  statement->context_ = context;
  statement->hash_ = key.hash;
  const size_t begin = body.find_first_not_of(" \t\r\n\f\v");
  const ByteView text = body.substr(begin == ByteView::npos ? body.size() : begin);
  statement->deallocates_ =
      starts_with_word(text, "deallocate") || starts_with_word(text, "discard");
  statements_.insert(statement.get());
  return StatementRef(statement.release());
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
