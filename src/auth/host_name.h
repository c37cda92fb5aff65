// The name of a client's host, for HBA rules that name hosts. Loop thread; the look-ups run on the
// thread pool and cannot be interrupted. PostgreSQL manual, The pg_hba.conf File, "address".
#pragma once

#include <string>

#include "io/address.h"
#include "io/loop.h"
#include "io/offload.h"
#include "io/task.h"

namespace remuda::auth {

// The name the address resolves to, if that name resolves back to the address; "" if there is none
// or a look-up fails. Whoever owns the address chooses the name, so it counts only when confirmed.
io::Task<std::string> confirmed_host_name(io::Loop& loop, io::Address address,
                                          io::OffloadLimit* limit = nullptr);

// The same, blocking.
std::string find_confirmed_host_name(const io::Address& address);

}  // namespace remuda::auth
