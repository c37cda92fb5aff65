// The operating system's name of a user id. One login task.
#pragma once

#include <sys/types.h>

#include <string>

#include "io/offload.h"
#include "io/task.h"

namespace remuda::auth {

// Empty when there is none. Looked up on the thread pool: it may be in a directory far away.
io::Task<std::string> system_user_name(io::Loop& loop, io::OffloadLimit& limit, uid_t uid);

}  // namespace remuda::auth
