#include "proxy/client_parcel.h"

#include "proxy/pool_shard.h"
#include "proxy/worker.h"

namespace remuda::proxy {
namespace {

std::optional<FollowedSettings> followed_settings(const session::ClientView& client) {
  if (!client.follows_settings()) return std::nullopt;
  return FollowedSettings{client.settings->values(), client.startup_settings->values()};
}

}  // namespace

bool can_move(const Client& client) noexcept {
  const session::ClientView& view = client.view;
  return !client.closing && client.server == nullptr && client.wait_start == 0 &&
         client.parked.empty() && client.stream.backlog() == 0 && !view.in_query &&
         !view.in_transaction && view.frame.at_boundary() && view.frame.holds_nothing();
}

ClientParcel pack(Client& client, int to) {
  REMUDA_CHECK(can_move(client));
  Journey journey(client.pool.ledger);
  Seat seat(client.pool.ledger, to);
  io::Parcel connection = std::move(client.stream).detach();
  return {.journey = std::move(journey),
          .seat = std::move(seat),
          .places = std::move(client.places),
          .connection = std::move(connection),
          .parameters = client.view.parameters->values(),
          .settings = followed_settings(client.view),
          .release = client.view.release,
          .simple_query_allowed = client.view.simple_query_allowed,
          .statements = session::copy_out(client.view.statements.get()),
          .unproven_values = client.unproven_values,
          .id = client.id,
          .key = client.key,
          .kills = client.pool.ledger->database->kills.load(),
          .connect_time = client.connect_time,
          .request_time = client.request_time};
}

Client& unpack(Worker& worker, PoolShard& pool, ClientParcel parcel) {
  io::Stream stream = io::Stream::adopt(worker.loop, std::move(parcel.connection));
  Client& client =
      *new Client(worker, std::move(stream), pool, std::move(parcel.places), parcel.id);
  parcel.seat.take();
  client.view.parameters = worker.parameters.intern(std::move(parcel.parameters));
  if (parcel.settings) {
    client.view.settings = worker.parameters.intern(std::move(parcel.settings->now));
    client.view.startup_settings = worker.parameters.intern(std::move(parcel.settings->startup));
  }
  client.view.release = parcel.release;
  client.view.simple_query_allowed = parcel.simple_query_allowed;
  client.view.statements = session::copy_in(parcel.statements, worker.statements);
  client.unproven_values = parcel.unproven_values;
  client.key = parcel.key;
  client.connect_time = parcel.connect_time;
  client.request_time = parcel.request_time;
  worker.keys.settle(client);
  pool.clients.push_back(client);
  return client;
}

}  // namespace remuda::proxy
