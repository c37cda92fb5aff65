// What a client asks for in its start-up packet, checked and sorted. Pure.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "proxy/replication.h"
#include "remuda/wire/builder.h"
#include "remuda/wire/startup.h"

namespace remuda::proxy {

struct StartupParameters {
  std::string user;
  std::string database;
  // Parameters that follow the client, as it named them.
  std::vector<wire::Parameter> tracked;
  Replication replication = Replication::none;
  // As given, where the server itself is to take them apart: for replication.
  std::string options;
  // Names of protocol extensions: they are negotiated away.
  std::vector<std::string> extensions;
};

// Throws PgError with the text the client reads.
StartupParameters read_parameters(const wire::Startup& startup, const config::Config& config);

// Whether a parameter is kept per client.
bool is_tracked(const config::Config& config, std::string_view name);

// Has application_name say where the client is: "NAME - ADDRESS:PORT", and "app" without a name.
void add_host(std::vector<wire::Parameter>& tracked, const std::string& peer);

}  // namespace remuda::proxy
