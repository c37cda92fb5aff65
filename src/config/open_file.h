// A file open for reading, which closes itself. One thread.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <string>

namespace remuda::config {

class OpenFile {
 public:
  // `flags` beside those of every file: O_NONBLOCK opens a pipe without waiting for its writer.
  explicit OpenFile(const std::string& path, int flags = 0) noexcept
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags)) {}
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  // Negative: it could not be opened, and errno says why.
  int fd() const noexcept { return fd_; }

 private:
  const int fd_;
};

}  // namespace remuda::config
