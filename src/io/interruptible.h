// Something a task waits for and that can end the wait with an exception: a stream, a Waiter.
// Deadlines and closing scopes know what they stop only by this. Loop thread only.
#pragma once

#include <exception>

namespace remuda::io {

class Interruptible {
 public:
  // The pending wait, or else the next one, throws `why`. A wait that is already decided is left
  // alone. Never resumes anybody before it returns.
  virtual void interrupt(std::exception_ptr why) noexcept = 0;

 protected:
  ~Interruptible() = default;
};

}  // namespace remuda::io
