// The settings that a database's connect_query makes on each of its servers: clients whose settings
// follow them begin with these, and RESET goes back to them. The worker's thread.
#pragma once

#include "config/config.h"
#include "remuda/session/parameters.h"

namespace remuda::proxy {

class Worker;

// Of those that are not `reported`; empty where settings do not follow clients.
session::ParameterSetRef connect_settings(Worker& worker, const config::Database& database,
                                          const session::ParameterSet& reported);

}  // namespace remuda::proxy
