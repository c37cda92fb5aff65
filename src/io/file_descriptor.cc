#include "io/file_descriptor.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
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

bool is_out_of_descriptors(int error) noexcept {
  return error == EMFILE || error == ENFILE;
}

int highest_client_descriptor() noexcept {
  constexpr rlim_t kKeptForServers = 64;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT_MAX) return INT_MAX;
  return static_cast<int>(limit.rlim_cur - std::min(kKeptForServers, limit.rlim_cur / 16));
}

}  // namespace remuda::io
