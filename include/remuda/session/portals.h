// The open portals of statements that have an effect on settings or transactions, or that name a
// prepared statement by SQL: what Execute will do is known from what Bind said. Others are not
// noted. By name. Owned by the server's view. One thread. PostgreSQL manual, Frontend/Backend
// Protocol, Message Flow: Extended Query.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "remuda/base/bytes.h"
#include "remuda/session/statement.h"

namespace remuda::session {

struct Portal {
  StatementRef statement;
  std::vector<SettingChange> bound;  // its changes, with the values of the portal
  bool has_run = false;              // it was executed; what its statement names matters no more
};

class Portals {
 public:
  static constexpr size_t kMostNamed = 1024;

  bool empty() const noexcept { return !unnamed_.statement && named_.empty(); }
  Portal* find(ByteView name) noexcept {
    if (name.empty()) return unnamed_.statement ? &unnamed_ : nullptr;
    const auto at = named_.find(name);
    return at == named_.end() ? nullptr : &at->second;
  }
  // Of this name there is another one, or none, from now on. False: they are too many.
  bool set(ByteView name, Portal portal) {
    if (name.empty()) {
      unnamed_ = std::move(portal);
      return true;
    }
    if (const auto at = named_.find(name); at != named_.end()) named_.erase(at);
    if (!portal.statement) return true;
    if (named_.size() == kMostNamed) return false;
    named_.emplace(name, std::move(portal));
    return true;
  }
  void clear() noexcept {
    unnamed_ = {};
    named_.clear();
  }

 private:
  Portal unnamed_;
  std::map<std::string, Portal, std::less<>> named_;
};

}  // namespace remuda::session
