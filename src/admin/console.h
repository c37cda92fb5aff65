// The admin console: clients of the virtual database `pgbouncer`, served by tasks of the control
// loop, one command after the other. Owned by the daemon; control thread.
#pragma once

#include <string>

#include "admin/control.h"
#include "io/stream.h"
#include "io/task.h"
#include "io/timer.h"
#include "pg/message_stream.h"
#include "proxy/admission.h"
#include "proxy/client.h"
#include "proxy/stats.h"
#include "remuda/base/list.h"
#include "remuda/wire/builder.h"
#include "remuda/wire/frame.h"

namespace remuda::admin {

class Consoles;
struct OpenConsole;  // list of all consoles

// One console connection. Lives in the frame of its task.
struct Console : ListHook<OpenConsole> {
  Console(Consoles& consoles, io::Loop& loop, proxy::Admission admission);
  ~Console();

  Consoles& consoles;
  proxy::Places places;
  const uint64_t id;
  const std::string user;
  const bool is_admin;
  std::vector<wire::Parameter> parameters;  // tracked ones it gave
  proxy::CancelKey key;
  // Monotonic.
  const Micros connect_time;
  Micros request_time;
  const int listen_port;
  bool is_running = false;    // a command
  bool is_cancelled = false;  // the command is to end
  bool has_asked = false;     // its first command has come
  io::Stream stream;
};

class Consoles {
 public:
  explicit Consoles(Control& control);

  // Serves a client from now on, until it leaves or the control loop's tasks are closed.
  void admit(proxy::Admission admission);
  size_t size() const noexcept { return list_.size(); }

  // A cancel request with a console's key ends what that console waits for: not what others do.
  void cancel(proxy::CancelKey key);
  // The next read of that console fails with a FATAL error. False if there is none of this id.
  bool kill(uint64_t id);

  // The result of a command, without ReadyForQuery. Throws PgError for what the client is told.
  io::Task<std::string> run(Console& console, std::string text);
  // An ErrorResponse; the error is logged, too.
  std::string error_reply(const Console& console, const PgError& error);

  List<Console, OpenConsole>& all() noexcept { return list_; }
  const proxy::StatsHistory& stats() const noexcept { return stats_; }

 private:
  friend struct Console;
  proxy::CancelKey new_key(bool is_long);
  io::Task<void> serve(proxy::Admission admission);
  io::Task<void> converse(Console& console);
  io::Task<std::string> answer(Console& console, std::string text);
  std::string greeting(const Console& console) const;
  void one_has_left();
  void count_command(Console& console);

  Control& control_;
  List<Console, OpenConsole> list_;
  proxy::StatsHistory stats_;
  io::Timer marks_;
  uint32_t last_key_ = 0;
};

// "C-0x...: pgbouncer/user@unix(4711):6432"
std::string log_name(const Console& console);

}  // namespace remuda::admin
