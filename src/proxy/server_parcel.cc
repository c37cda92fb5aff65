#include "proxy/server_parcel.h"

#include "proxy/pool_shard.h"
#include "proxy/worker.h"

namespace remuda::proxy {

ServerParcel pack(Server& server) {
  REMUDA_CHECK(server.view.is_quiet() && !server.client && !server.lease && server.cancels == 0);
  Journey journey(server.pool.ledger);
  io::Parcel connection = std::move(server.stream).detach();
  server.closing = true;
  return {
      .journey = std::move(journey),
      .slot = std::move(server.slot),
      .connection = std::move(connection),
      .parameters = server.view.parameters->values(),
      .reported = server.view.reported->values(),
      .settings = server.view.settings.has()->values(),
      .base_settings = server.view.settings.base()->values(),
      .statements = {server.view.statements.order().begin(), server.view.statements.order().end()},
      .gone = server.view.gone,
      .key = std::move(server.key),
      .host = std::move(server.host),
      .claim = std::move(server.claim),
      .is_makeshift = server.is_makeshift,
      .address = server.address,
      .epoch = server.epoch,
      .closings = server.closings,
      .config = server.worker.snapshot().config,
      .id = server.id,
      .connect_time = server.connect_time,
      .request_time = server.request_time,
      .idle_since = server.idle_since,
      .was_idle = server.state == ServerState::idle,
      .was_used = server.was_used,
      .is_clean = server.is_clean,
      .just_checked = server.just_checked};
}

std::unique_ptr<Server> unpack(Worker& worker, PoolShard& pool, ServerParcel parcel) {
  io::Stream stream = io::Stream::adopt(worker.loop, std::move(parcel.connection));
  auto server =
      std::make_unique<Server>(worker, std::move(stream), pool, std::move(parcel.slot), parcel.id);
  server->view.parameters = worker.parameters.intern(std::move(parcel.parameters));
  server->view.reported = worker.parameters.intern(std::move(parcel.reported));
  server->view.settings =
      session::SettingsJournal(worker.parameters.intern(std::move(parcel.base_settings)),
                               worker.parameters.intern(std::move(parcel.settings)));
  for (const auto& digest : parcel.statements) server->view.statements.add_oldest(digest);
  server->view.gone = parcel.gone;
  server->key = std::move(parcel.key);
  server->host = std::move(parcel.host);
  server->claim = std::move(parcel.claim);
  server->is_makeshift = parcel.is_makeshift;
  server->address = parcel.address;
  server->epoch = parcel.epoch;
  server->closings = parcel.closings;
  server->close_needed = !same_server_tls(*parcel.config, worker.config());
  server->connect_time = parcel.connect_time;
  server->request_time = parcel.request_time;
  server->idle_since = parcel.idle_since;
  server->was_used = parcel.was_used;
  server->is_clean = parcel.is_clean;
  server->just_checked = parcel.just_checked;
  return server;
}

}  // namespace remuda::proxy
