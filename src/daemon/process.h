// What a daemon does to its process before it serves. Before any thread starts.
#pragma once

#include <string>

namespace remuda::daemon {

// Becomes this system user, with its groups. Throws PgError or SystemError. Empty = stay.
void switch_user(const std::string& name);

// Leaves the terminal: forks twice, the callers exit, stdio goes to /dev/null.
void go_to_background();

// Raises the limit of open descriptors as far as allowed and logs what is expected to be needed.
void raise_descriptor_limit(int max_client_conn, long expected);

}  // namespace remuda::daemon
