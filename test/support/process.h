// A child process of a test: started, signalled, waited for, and killed with the test whatever way
// that ends. Owned by the test and used on its main thread only: the kernel ties the signal that
// follows our death to the thread that forked.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "support/wait.h"

namespace remuda::test {

struct Account {
  uid_t uid;
  gid_t gid;
  std::string name;
};

// Who children run as: ourselves, or postgres (else nobody) when we are root.
const Account& child_account();

// What to start. `output` is a file that receives what the child prints, appended.
struct Command {
  std::vector<std::string> argv;
  std::string output;
  std::string directory = "/";
  std::map<std::string, std::string> environment = {};
  // The signal the child gets when we die.
  int death_signal = 9;
  // Stays root if we are, to show that a program refuses it.
  bool as_ourselves = false;
  // How many descriptors the child may have; 0 is as many as we.
  int descriptors = 0;
  // Listening sockets that the child gets as a service manager passes them: from descriptor 3 on,
  // with LISTEN_FDS and LISTEN_PID set.
  std::vector<int> passed = {};
};

class Process {
 public:
  // Runs the program as child_account(). Throws when it cannot be started.
  explicit Process(const Command& command);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  bool running();
  void signal(int number);
  // Exit code, or 128 + signal; nothing when it still runs after `timeout`.
  std::optional<int> wait_exit(milliseconds timeout = kPatience);

 private:
  pid_t pid_ = -1;
  std::optional<int> exit_;
};

// Runs a command to its end. Throws with its output when it fails.
void run(const Command& command);

// A TCP port nobody uses now, below the range that outgoing connections are given.
int free_port();

// Whether connections to a port of 127.0.0.1 are accepted.
bool is_listening(int port);

}  // namespace remuda::test
