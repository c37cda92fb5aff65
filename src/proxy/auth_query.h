// Asking PostgreSQL who a user is: auth_query, and the groups of a user. The query runs on the pool
// of (auth database, auth_user), whose home may be another worker: the question is posted there and
// the answer back. Nothing of a client reaches that connection but the user name, as a parameter.
#pragma once

#include <set>
#include <string>

#include "auth/secret_cache.h"
#include "config/config.h"
#include "io/deadline.h"
#include "io/task.h"

namespace remuda::proxy {

class PoolShard;
class Worker;

// Whether users of that database can be looked up: it, or everything, has an auth_user.
bool has_auth_query(const config::Config& config, const config::Database& database) noexcept;

// The secret of a user who has none in the auth file. `refresh` asks again although the cache
// knows. Throws PgError with what the client shall read (the log knows more), TimedOut by the
// deadline. `worker` is where the login runs. The database must have an auth query.
io::Task<auth::FoundSecret> look_up_secret(Worker& worker, const config::Database& database,
                                           std::string user, io::Deadline& deadline, bool refresh);

// The roles that a user is a member of, itself included, directly or not. Never cached. None when
// the database has no auth query; throws as above.
io::Task<std::set<std::string>> look_up_groups(Worker& worker, const config::Database& database,
                                               std::string user, io::Deadline& deadline);

// For the cache of a pool: runs the query on the pool's servers. A task of its worker.
io::Task<auth::FoundSecret> fetch_secret(PoolShard& pool, auth::SecretCache::Key key);

}  // namespace remuda::proxy
