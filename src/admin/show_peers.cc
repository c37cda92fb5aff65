#include "admin/commands.h"
#include "admin/table.h"

namespace remuda::admin {
namespace {

using wire::oid::kInt4;
using wire::oid::kText;

constexpr Column kPeerColumns[] = {
    {"peer_id", kInt4},
    {"host", kText},
    {"port", kInt4},
    {"pool_size", kInt4},
};

constexpr Column kPeerPoolColumns[] = {
    {"peer_id", kInt4},
    {"cl_active_cancel_req", kInt4},
    {"cl_waiting_cancel_req", kInt4},
    {"sv_active_cancel", kInt4},
    {"sv_login", kInt4},
};

}  // namespace

Answer show_peers(Call& call) {
  const config::Config& config = *call.control.snapshot().config;
  Table table(kPeerColumns);
  for (const auto& [id, peer] : config.peers) {
    Row row = {number(id), text(peer.host), number(peer.port),
               number(peer.pool_size.value_or(config.default_pool_size))};
    table.add(std::move(row));
  }
  co_return table.messages();
}

Answer show_peer_pools(Call& call) {
  Table table(kPeerPoolColumns);
  for (const auto& [id, peer] : call.control.snapshot().config->peers) {
    const auto counts = call.control.shared().peer_pools.counts(id);
    Row row = {number(id), number(counts.active), number(counts.waiting), number(counts.active),
               number(counts.login)};
    table.add(std::move(row));
  }
  co_return table.messages();
}

}  // namespace remuda::admin
