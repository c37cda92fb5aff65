#include "remuda/session/parameters.h"

#include <algorithm>
#include <cstring>
#include <functional>

#include "remuda/base/error.h"
#include "remuda/base/text.h"
#include "remuda/wire/crypto.h"
#include "setting_sql.h"

namespace remuda::session {
namespace {

bool name_less(ByteView a, ByteView b) noexcept {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [](char x, char y) { return to_lower(x) < to_lower(y); });
}

size_t hash_values(const ParameterSet::Values& values) noexcept {
  size_t hash = 0;
  for (const auto& [name, value] : values) {
    for (char c : name) hash = hash * 1099511628211u ^ static_cast<unsigned char>(to_lower(c));
    hash = hash * 1099511628211u ^ std::hash<std::string>{}(value);
  }
  return hash;
}

// Names such as my.setting stay as they are; anything unusual is quoted.
void append_name(std::string& sql, ByteView name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (to_lower(c) >= 'a' && to_lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
  });
  if (plain) {
    sql += name;
    return;
  }
  sql += '"';
  for (char c : name) {
    if (c == '"') sql += c;
    sql += c;
  }
  sql += '"';
}

void append_assignment(std::string& sql, ByteView name, ByteView value,
                       const std::string* encoding) {
  if (is_quoted_list(name) || (encoding && !is_ascii(value))) {
    append_set_config(sql, name, &value, encoding);
    return;
  }
  sql += "SET ";
  append_name(sql, name);
  sql += '=';
  append_literal(sql, value);
  sql += ';';
}

bool ends_with(ByteView text, ByteView end) noexcept {
  return text.size() >= end.size() && same_name(text.substr(text.size() - end.size()), end);
}

}  // namespace

bool same_name(ByteView a, ByteView b) noexcept {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return to_lower(x) == to_lower(y);
         });
}

bool is_settable_parameter(ByteView name) noexcept {
  for (ByteView fixed : {"server_version", "server_encoding", "is_superuser",
                         "session_authorization", "integer_datetimes", "in_hot_standby"}) {
    if (same_name(name, fixed)) return false;
  }
  // A dotted name outside the extension's own space is some pooler's report of itself.
  return !name.starts_with("pgbouncer.") && !name.starts_with("remuda.");
}

bool changes_meaning(ByteView name) noexcept {
  return name.find('.') == ByteView::npos && !ends_with(name, "_timeout") &&
         !same_name(name, "application_name") && !same_name(name, "work_mem");
}

const std::string* ParameterSet::find(ByteView name) const noexcept {
  for (const auto& [key, value] : values_) {
    if (same_name(key, name)) return &value;
  }
  return nullptr;
}

const ParameterSet::Context& ParameterSet::context() const {
  if (has_context_) return context_;
  std::string content;
  for (const auto& [name, value] : values_) {
    if (!changes_meaning(name)) continue;
    for (const char c : name) content += to_lower(c);
    content.append(1, '\0').append(value).append(1, '\0');
  }
  if (!content.empty()) {
    const wire::Digest digest = wire::sha256(content);
    std::memcpy(context_.data(), digest.data(), context_.size());
  }
  has_context_ = true;
  return context_;
}

ParameterSetRef::ParameterSetRef(ParameterSet* set) noexcept : set_(set) {
  ++set_->references_;
}

ParameterSetRef::ParameterSetRef(const ParameterSetRef& other) noexcept : set_(other.set_) {
  if (set_) ++set_->references_;
}

ParameterSetRef::~ParameterSetRef() {
  if (set_ && --set_->references_ == 0) set_->table_->forget(set_);
}

ParameterSetRef ParameterSetRef::with(ByteView name, ByteView value) const {
  if (const std::string* known = set_->find(name); known && *known == value) return *this;
  ParameterSet::Values values = set_->values_;
  values.emplace_back(name, value);
  return set_->table_->intern(std::move(values));
}

ParameterSetRef ParameterSetRef::without(ByteView name) const {
  if (!set_->find(name)) return *this;
  ParameterSet::Values values = set_->values_;
  std::erase_if(values, [&](const auto& entry) { return same_name(entry.first, name); });
  return set_->table_->intern_sorted(std::move(values));
}

ParameterSetRef ParameterSetRef::none() const {
  return set_->table_->empty_set();
}

ParameterTable::ParameterTable() : empty_(intern_sorted({})) {}

ParameterTable::~ParameterTable() {
  empty_ = ParameterSetRef();
  REMUDA_CHECK(sets_.empty());
}

bool ParameterTable::Equal::operator()(const ParameterSet* a,
                                       const ParameterSet* b) const noexcept {
  return std::equal(a->values_.begin(), a->values_.end(), b->values_.begin(), b->values_.end(),
                    [](const auto& x, const auto& y) {
                      return x.second == y.second && same_name(x.first, y.first);
                    });
}

size_t ParameterTable::size() const noexcept {
  return sets_.size();
}

ParameterSetRef ParameterTable::intern(ParameterSet::Values values) {
  // The order of duplicates is kept by a stable sort, so that the last of a name can win.
  std::stable_sort(values.begin(), values.end(),
                   [](const auto& a, const auto& b) { return name_less(a.first, b.first); });
  ParameterSet::Values unique;
  for (auto& entry : values) {
    if (!unique.empty() && same_name(unique.back().first, entry.first)) {
      unique.back().second = std::move(entry.second);
    } else {
      unique.push_back(std::move(entry));
    }
  }
  return intern_sorted(std::move(unique));
}

ParameterSetRef ParameterTable::intern_sorted(ParameterSet::Values values) {
  auto set = std::make_unique<ParameterSet>();
  set->table_ = this;
  set->hash_ = hash_values(values);
  set->values_ = std::move(values);
  const auto [at, is_new] = sets_.insert(set.get());
  if (is_new) set.release();
  return ParameterSetRef(*at);
}

void ParameterTable::forget(ParameterSet* set) noexcept {
  sets_.erase(set);
  delete set;
}

std::string replay_sql(const ParameterSet& server, const ParameterSet& client) {
  std::string sql;
  // The encoding first: the row that set_config returns must be representable in it.
  const ByteView encoding_name = "client_encoding";
  const std::string* encoding = client.find(encoding_name);
  const auto assign = [&](ByteView name, ByteView value) {
    const std::string* current = server.find(name);
    if (!current || *current != value) append_assignment(sql, name, value, encoding);
  };
  if (encoding) assign(encoding_name, *encoding);
  for (const auto& [name, value] : client.values()) {
    if (!same_name(name, encoding_name)) assign(name, value);
  }
  for (const auto& [name, value] : server.values()) {
    if (client.find(name) != nullptr) continue;
    sql += "RESET ";
    append_name(sql, name);
    sql += ';';
  }
  return sql;
}

ParameterSetRef after_replay(const ParameterSetRef& server, const ParameterSetRef& client,
                             const ParameterSetRef& reported) {
  ParameterSet::Values values;
  for (const auto& entry : server->values()) {
    if (reported->find(entry.first)) values.push_back(entry);
  }
  for (const auto& entry : client->values()) {
    if (!reported->find(entry.first)) values.push_back(entry);
  }
  return server->table_->intern(std::move(values));
}

}  // namespace remuda::session
