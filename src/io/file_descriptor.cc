#include "io/file_descriptor.h"

#include <unistd.h>

#include <utility>

namespace remuda::io {

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = other.release();
  }
  return *this;
}

int FileDescriptor::release() noexcept {
  return std::exchange(fd_, -1);
}

void FileDescriptor::close() noexcept {
  // EINTR too leaves the descriptor closed on Linux: never tried again.
  if (fd_ >= 0) ::close(release());
}

}  // namespace remuda::io
