// What the console needs of the daemon. Implemented by daemon::Daemon; control thread only.
#pragma once

#include <string>

#include "io/loop.h"
#include "io/mailbox.h"
#include "io/task_scope.h"
#include "proxy/shared.h"

namespace remuda::admin {

class Control {
 public:
  virtual ~Control() = default;

  virtual proxy::Shared& shared() = 0;
  virtual io::Loop& loop() = 0;
  virtual io::Mailbox& mailbox() = 0;  // of the control loop, for answers of workers
  virtual io::TaskScope& tasks() = 0;  // of the control loop
  virtual const proxy::Snapshot& snapshot() const = 0;

  // Reads the configuration again; false, with the faults in the log, changes nothing.
  virtual io::Task<bool> reload() = 0;
  // Changes one setting until the next reload. False for an unknown key or a bad value. What it
  // could not do at once is told in `notice`.
  virtual bool set(const std::string& key, const std::string& value, std::string& notice) = 0;
  // none = at once.
  virtual void shut_down(proxy::Shutdown how) = 0;
  // SUSPEND: nobody is accepted; off: everybody goes on, and what suspend() has silenced too.
  virtual void set_suspended(bool on) = 0;
};

}  // namespace remuda::admin
