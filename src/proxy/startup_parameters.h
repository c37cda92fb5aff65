// What a client asks for in its start-up packet, checked and sorted. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "remuda/wire/startup.h"

namespace remuda::proxy {

struct StartupParameters {
  std::string user;
  std::string database;
  // Parameters that follow the client, as it named them.
  std::vector<std::pair<std::string, std::string>> tracked;
  // Names of protocol extensions: they are negotiated away.
  std::vector<std::string> extensions;
};

// Throws PgError with the text the client reads.
StartupParameters read_parameters(const wire::Startup& startup, const config::Config& config);

// Whether a parameter is kept per client.
bool is_tracked(const config::Config& config, std::string_view name);

}  // namespace remuda::proxy
