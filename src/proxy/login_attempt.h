// One login in progress: what its steps share. Everything here is gone when the login ends. Lives
// in the frame of the login's task, on the worker that got the connection.
#pragma once

#include <cstdint>
#include <string>

#include "io/deadline.h"
#include "io/file_descriptor.h"
#include "io/stream.h"
#include "proxy/login_entry.h"
#include "proxy/shared.h"
#include "proxy/startup_parameters.h"
#include "remuda/base/time.h"

namespace remuda::proxy {

class Worker;

struct LoginAttempt {
  // Throws SystemError.
  LoginAttempt(Worker& w, io::FileDescriptor fd);
  ~LoginAttempt();
  LoginAttempt(const LoginAttempt&) = delete;
  LoginAttempt& operator=(const LoginAttempt&) = delete;

  // As the log names it.
  std::string name() const;
  const config::Config& config() const noexcept { return *snapshot.config; }

  Worker& worker;
  // As it was when the connection came, whatever is reloaded meanwhile.
  const Snapshot snapshot;
  const Micros started;  // monotonic
  const uint64_t id;
  io::Stream stream;
  io::Deadline deadline;  // client_login_timeout, aimed at the stream
  std::string peer;
  std::string inbox;  // bytes read and not yet understood, before the start-up packet is complete
  StartupParameters parameters;
  uint32_t version = wire::kProtocol3;  // of the protocol, as agreed
  bool is_cancel = false;
  bool in_handshake = false;  // of TLS: no message of ours would be understood
  LoginEntry entry;
};

}  // namespace remuda::proxy
