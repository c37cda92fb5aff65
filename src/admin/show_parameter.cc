#include <algorithm>

#include "admin/commands.h"
#include "admin/table.h"
#include "remuda/base/text.h"

namespace remuda::admin {
namespace {

struct Dummy {
  const char* name;
  const char* value;
};

constexpr Dummy kDummies[] = {
    {"client_encoding", "UTF-8"},
    {"default_transaction_isolation", "read committed"},
    {"standard_conforming_strings", "on"},
    {"datestyle", "ISO"},
    {"timezone", "GMT"},
};

const Dummy* find_dummy(std::string_view name) noexcept {
  const auto* at = std::find_if(std::begin(kDummies), std::end(kDummies),
                                [&](const Dummy& d) { return same_word(d.name, name); });
  return at == std::end(kDummies) ? nullptr : at;
}

}  // namespace

bool is_dummy_parameter(std::string_view name) noexcept {
  return find_dummy(name) != nullptr;
}

Answer show_parameter(Call& call) {
  const Dummy* dummy = find_dummy(call.argument);
  const Column columns[] = {{dummy->name, wire::oid::kText}};
  Table table(columns);
  Row row = {text(dummy->value)};
  table.add(std::move(row));
  co_return table.messages();
}

}  // namespace remuda::admin
