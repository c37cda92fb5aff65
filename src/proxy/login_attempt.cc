#include "proxy/login_attempt.h"

#include <fmt/core.h>

#include "proxy/peer_name.h"
#include "proxy/worker.h"

namespace remuda::proxy {

LoginAttempt::LoginAttempt(Worker& w, io::FileDescriptor fd)
    : worker(w),
      snapshot(w.snapshot()),
      started(w.now()),
      id(w.shared.next_id.fetch_add(1)),
      stream(io::Stream::adopt(w.loop, std::move(fd))),
      deadline(w.loop, config().client_login_timeout, stream, "client_login_timeout"),
      peer(peer_name(stream, config().listen_port)),
      entry(w, LoginEntry::Stage::proving, id, started) {
  entry.user = &parameters.user;
  entry.database = &parameters.database;
  entry.stream = &stream;
  worker.count_login(1);
}

LoginAttempt::~LoginAttempt() {
  worker.count_login(-1);
}

std::string LoginAttempt::name() const {
  const std::string user = parameters.user.empty() ? "(nouser)" : parameters.user;
  const std::string database = parameters.database.empty() ? "(nodb)" : parameters.database;
  return fmt::format("C-{:#014x}: {}/{}@{}", id, database, user, peer);
}

}  // namespace remuda::proxy
