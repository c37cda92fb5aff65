#include "unsettled.h"

#include <algorithm>

namespace remuda::session {
namespace {

template <class Concerns>
bool any_earlier(const ServerView& server, Concerns concerns) noexcept {
  for (size_t i = 0; i < server.changes.size(); ++i) {
    const StatementChange& change = server.changes[i];
    if (change.batch == server.batch) return false;
    if (change.forgets_all || concerns(change)) return true;
    if (std::any_of(change.steps.begin(), change.steps.end(), concerns)) return true;
  }
  return false;
}

}  // namespace

bool is_unsettled(const ServerView& server, const StatementDigest& digest) noexcept {
  return any_earlier(server, [&](const auto& change) {
    return (change.server_added || change.server_removed) && change.digest == digest;
  });
}

bool is_unsettled(const ServerView& server, ByteView name) noexcept {
  return any_earlier(server, [&](const auto& change) {
    return (change.client_added || change.client_removed) && change.name == name;
  });
}

bool is_unnamed_unsettled(const ServerView& server) noexcept {
  for (size_t i = server.changes.size(); i-- > 0;) {
    const StatementChange& change = server.changes[i];
    if (change.client_unnamed || change.server_unnamed) return change.batch != server.batch;
  }
  return false;
}

}  // namespace remuda::session
