// Owns one descriptor and closes it when it dies. Movable, may travel between threads.
#pragma once

namespace remuda::io {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) noexcept : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor() { close(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  // Gives the descriptor up without closing it.
  int release() noexcept;
  // Idempotent.
  void close() noexcept;

 private:
  int fd_ = -1;
};

// Whether an errno value means that the process, or the system, has no descriptor left.
bool is_out_of_descriptors(int error) noexcept;

// Clients are to have descriptors below this number: the rest, a few of what the process may have,
// is for servers, so that clients who fill the process cannot keep it from opening them.
int highest_client_descriptor() noexcept;

}  // namespace remuda::io
