// The pid file: says which process runs, and keeps a second one from starting. Control thread.
#pragma once

#include <string>

namespace remuda::daemon {

class PidFile {
 public:
  // Throws PgError when a live process holds the file; removes a stale one. An empty path is none.
  static void check(const std::string& path);

  PidFile() = default;
  // Writes it, exclusively. Throws SystemError.
  explicit PidFile(std::string path);
  PidFile(PidFile&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  PidFile& operator=(PidFile&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  ~PidFile();

 private:
  std::string path_;
};

}  // namespace remuda::daemon
