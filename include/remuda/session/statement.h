// The prepared statements of clients, as immutable counted objects: equal ones of different clients
// are one object, and the name a server knows it by is made from its content, so it stays valid
// wherever that server goes. One table per worker, one thread; a table must outlive its statements.
// PostgreSQL manual, Frontend/Backend Protocol, Message Flow: Extended Query.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "remuda/base/bytes.h"
#include "remuda/session/parameters.h"
#include "remuda/session/statement_effects.h"

namespace remuda::session {

// The first half of a SHA-256: what is behind a server's name for a statement.
struct StatementDigest {
  std::array<char, 16> bytes{};

  bool operator==(const StatementDigest&) const noexcept = default;
  struct Hash {
    size_t operator()(const StatementDigest& digest) const noexcept {
      size_t hash;
      std::memcpy(&hash, digest.bytes.data(), sizeof hash);
      return hash;
    }
  };
};

// "remuda_" and the digest in hex, without a NUL.
using StatementName = std::array<char, 7 + 32>;
StatementName server_name(const StatementDigest& digest) noexcept;
inline ByteView view_of(const StatementName& name) noexcept {
  return {name.data(), name.size()};
}

class StatementTable;
struct StatementMapping;

class Statement {
 public:
  enum class Form : uint8_t {
    parse,  // what follows the name in a Parse: text, NUL, parameter types
    sql,    // what follows the name in a PREPARE that names parameter types
  };
  Form form() const noexcept { return form_; }
  // In that form. Empty if it was too long to keep.
  ByteView body() const noexcept { return body_; }
  // The settings under which it was parsed: they decide what its text means.
  const ParameterSet::Context& context() const noexcept { return context_; }
  // Of body, context and generation; worked out when first asked for.
  const StatementDigest& digest();
  // Its plan is out of date on servers: from now on it has another name, which none of them knows.
  void renew() noexcept;
  StatementKind kind() const noexcept { return effect_.kind; }
  // What it does to session and transaction when it is executed.
  const StatementEffect& effect() const noexcept { return effect_; }
  // For a PREPARE or EXECUTE in a Parse; null for others.
  const StatementMapping* mapping() const noexcept { return mapping_.get(); }
  // What servers are given: the body, or that with a server's name in it.
  ByteView sent() const noexcept;
  // Nothing, as nearly all.
  bool has_effect() const noexcept {
    return is_known_by_kind(effect_.kind) || !effect_.text.empty() || !effect_.changes.empty();
  }
  // Its effect depends on what Bind brings.
  bool needs_parameters() const noexcept;

 private:
  friend class StatementRef;
  friend class StatementTable;
  StatementTable* table_ = nullptr;
  std::string body_;
  Form form_ = Form::parse;
  ParameterSet::Context context_{};
  StatementDigest digest_;
  size_t hash_ = 0;
  uint32_t references_ = 0;
  uint32_t generation_ = 0;
  bool has_digest_ = false;
  StatementEffect effect_;
  std::unique_ptr<const StatementMapping> mapping_;
};

// Counted pointer to a statement, or null.
class StatementRef {
 public:
  StatementRef() = default;
  StatementRef(const StatementRef& other) noexcept : StatementRef(other.statement_) {}
  StatementRef(StatementRef&& other) noexcept
      : statement_(std::exchange(other.statement_, nullptr)) {}
  StatementRef& operator=(StatementRef other) noexcept {
    std::swap(statement_, other.statement_);
    return *this;
  }
  ~StatementRef();

  Statement& operator*() const noexcept { return *statement_; }
  Statement* operator->() const noexcept { return statement_; }
  explicit operator bool() const noexcept { return statement_ != nullptr; }
  bool operator==(const StatementRef& other) const noexcept = default;

 private:
  friend class StatementTable;
  explicit StatementRef(Statement* statement) noexcept : statement_(statement) {
    if (statement_) ++statement_->references_;
  }
  Statement* statement_ = nullptr;
};

// A PREPARE or EXECUTE by SQL that came in a Parse, as servers are given it.
struct StatementMapping {
  std::string name;        // the client's for what it makes or runs
  StatementDigest digest;  // of that
  StatementRef target;     // that, of a PREPARE
  std::string body;        // with the server's name for it
  StatementEffect effect;  // of what an EXECUTE runs
};

inline ByteView Statement::sent() const noexcept {
  return mapping_ ? ByteView(mapping_->body) : ByteView(body_);
}

// Holds one statement, or none, and counts how often that has changed.
struct StatementSlot {
  StatementRef statement;
  uint64_t version = 0;

  // Returns what was there.
  StatementSlot set(StatementRef now) {
    StatementSlot before{std::move(statement), version};
    statement = std::move(now);
    ++version;
    return before;
  }
};

// By value, on its way to another worker. What it refers to by name is found there when it is used.
struct StatementCopy {
  Statement::Form form;
  std::string body;
  ParameterSet::Context context;
  StatementEffect effect;
};
StatementCopy copy_of(const Statement& statement);

class StatementTable {
 public:
  StatementTable();
  ~StatementTable();
  StatementTable(const StatementTable&) = delete;
  StatementTable& operator=(const StatementTable&) = delete;

  // Copies the body only if there is no equal statement. `rules` go with the context.
  StatementRef intern(ByteView body, const ParameterSet::Context& context, const TextRules& rules);
  StatementRef intern_sql(ByteView body, const ParameterSet::Context& context,
                          const TextRules& rules);
  // Others under the same body refer to other statements.
  StatementRef intern(ByteView body, const ParameterSet::Context& context, const TextRules& rules,
                      StatementMapping mapping);
  // One of another worker's.
  StatementRef intern(const StatementCopy& copy);
  // One that is equal to no other: its body was too long to keep.
  StatementRef make_unkept();
  size_t size() const noexcept { return statements_.size(); }

 private:
  friend class StatementRef;
  struct Key {
    Statement::Form form;
    ByteView body;
    const ParameterSet::Context& context;
    StatementDigest target;  // of a mapping
    size_t hash;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(const Statement* statement) const noexcept { return statement->hash_; }
    size_t operator()(const Key& key) const noexcept { return key.hash; }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const Statement* a, const Statement* b) const noexcept { return a == b; }
    bool operator()(const Key& key, const Statement* statement) const noexcept {
      return key.hash == statement->hash_ && key.form == statement->form_ &&
             key.body == statement->body_ && key.context == statement->context_ &&
             key.target == target_of(*statement);
    }
    bool operator()(const Statement* statement, const Key& key) const noexcept {
      return (*this)(key, statement);
    }
  };
  static StatementDigest target_of(const Statement& statement) noexcept {
    return statement.mapping() ? statement.mapping()->digest : StatementDigest{};
  }
  Statement* find(const Key& key) const noexcept;
  Key key_of(Statement::Form form, ByteView body, const ParameterSet::Context& context,
             const StatementDigest& target = {}) const noexcept;
  StatementRef add(const Key& key, StatementEffect effect,
                   std::unique_ptr<const StatementMapping> mapping = nullptr);
  void forget(Statement* statement) noexcept;

  std::unordered_set<Statement*, Hash, Equal> statements_;
  const uint64_t seed_;  // so that clients cannot make texts of equal hash
};

}  // namespace remuda::session
