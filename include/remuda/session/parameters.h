// The run-time parameters a client believes in and a server has, as immutable interned sets:
// whether two sides differ is a comparison of pointers. A set holds the parameters that a server
// reports and a client may set (DateStyle, TimeZone ...), not those that only describe the server
// (server_version ...). Sets are counted and die with their last reference; a table must outlive
// its sets. One table per worker, one thread. PostgreSQL manual, Frontend/Backend Protocol, Message
// Flow: Asynchronous Operations (ParameterStatus).
#pragma once

#include <array>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "remuda/base/bytes.h"

namespace remuda::session {

class ParameterSetRef;
class ParameterTable;

// Names are compared without case, values to the byte.
class ParameterSet {
 public:
  using Values = std::vector<std::pair<std::string, std::string>>;  // sorted by lower-case name
  // A set is not made larger than this by what servers report: an honest one reports some fifteen.
  static constexpr size_t kMaxFollowed = 256;

  const Values& values() const noexcept { return values_; }
  // The value of a name, or nullptr.
  const std::string* find(ByteView name) const noexcept;

  // Stands for all that may change what the text of a statement means: every value but those of
  // extensions ("app.tenant"), timeouts and the like. Equal contexts mean equal values of these.
  // Worked out when first asked for.
  using Context = std::array<char, 16>;
  const Context& context() const;

 private:
  friend class ParameterTable;
  friend class ParameterSetRef;
  friend ParameterSetRef after_replay(const ParameterSetRef&, const ParameterSetRef&,
                                      const ParameterSetRef&);
  ParameterTable* table_ = nullptr;
  Values values_;
  size_t hash_ = 0;
  uint32_t references_ = 0;
  mutable bool has_context_ = false;
  mutable Context context_{};
};

// Counted pointer to a set; never null once made by a table.
class ParameterSetRef {
 public:
  ParameterSetRef() = default;
  ParameterSetRef(const ParameterSetRef& other) noexcept;
  ParameterSetRef(ParameterSetRef&& other) noexcept : set_(std::exchange(other.set_, nullptr)) {}
  ParameterSetRef& operator=(ParameterSetRef other) noexcept {
    std::swap(set_, other.set_);
    return *this;
  }
  ~ParameterSetRef();

  const ParameterSet& operator*() const noexcept { return *set_; }
  const ParameterSet* operator->() const noexcept { return set_; }
  explicit operator bool() const noexcept { return set_ != nullptr; }
  bool operator==(const ParameterSetRef& other) const noexcept { return set_ == other.set_; }

  // The same set with one value changed or added.
  ParameterSetRef with(ByteView name, ByteView value) const;
  // The same set less one name.
  ParameterSetRef without(ByteView name) const;
  // The empty set of the same table.
  ParameterSetRef none() const;

 private:
  friend class ParameterTable;
  explicit ParameterSetRef(ParameterSet* set) noexcept;
  ParameterSet* set_ = nullptr;
};

class ParameterTable {
 public:
  ParameterTable();
  ~ParameterTable();
  ParameterTable(const ParameterTable&) = delete;
  ParameterTable& operator=(const ParameterTable&) = delete;

  ParameterSetRef empty_set() { return empty_; }
  // Later values of a name win.
  ParameterSetRef intern(ParameterSet::Values values);
  size_t size() const noexcept;

 private:
  friend class ParameterSetRef;
  struct Hash {
    size_t operator()(const ParameterSet* set) const noexcept { return set->hash_; }
  };
  struct Equal {
    bool operator()(const ParameterSet* a, const ParameterSet* b) const noexcept;
  };
  ParameterSetRef intern_sorted(ParameterSet::Values values);
  void forget(ParameterSet* set) noexcept;

  std::unordered_set<ParameterSet*, Hash, Equal> sets_;
  ParameterSetRef empty_;
};

// False for what only describes the server and cannot be set: these are not part of a set.
bool is_settable_parameter(ByteView name) noexcept;

// Whether a statement's text may mean something else under another value: part of the context.
bool changes_meaning(ByteView name) noexcept;

// Equal without regard to ASCII case.
bool same_name(ByteView a, ByteView b) noexcept;

// SQL that brings a server from its set to the client's; empty when nothing differs. Values are
// quoted so that they arrive to the byte, whatever standard_conforming_strings is and in whatever
// encoding the server still reads. What the server has and the client never had is RESET, so that
// it cannot have been another client's.
std::string replay_sql(const ParameterSet& server, const ParameterSet& client);

// The set both sides have once that SQL has run: what the server reports counts as it reported it
// (its canonical spelling), what it never reports (not in `reported`) as the client asked.
ParameterSetRef after_replay(const ParameterSetRef& server, const ParameterSetRef& client,
                             const ParameterSetRef& reported);

}  // namespace remuda::session
