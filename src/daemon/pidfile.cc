#include "daemon/pidfile.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>

#include "io/file_descriptor.h"
#include "remuda/base/error.h"
#include "remuda/base/log.h"

namespace remuda::daemon {

void PidFile::check(const std::string& path) {
  if (path.empty() || ::access(path.c_str(), F_OK) != 0) return;
  std::ifstream file(path);
  std::string text;
  std::getline(file, text);
  char* end = nullptr;
  const long pid = std::strtol(text.c_str(), &end, 10);
  const bool readable = file && !text.empty() && *end == '\0' && pid > 0;
  // A process of somebody else answers EPERM: it lives.
  if (!readable || ::kill(static_cast<pid_t>(pid), 0) == 0 || errno != ESRCH) {
    throw PgError(fmt::format("pidfile '{}' exists, another instance running?", path));
  }
  log::info("stale pidfile, removing");
  if (::unlink(path.c_str()) != 0) throw SystemError(errno, "cannot remove pidfile '" + path + "'");
}

PidFile::PidFile(std::string path) : path_(std::move(path)) {
  if (path_.empty()) return;
  const io::FileDescriptor fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  const int error = errno;
  const std::string name = path_;
  if (!fd) {
    path_.clear();
    throw SystemError(error, "could not open pidfile '" + name + "'");
  }
  const std::string text = fmt::format("{}\n", ::getpid());
  if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw SystemError(errno, "could not write pidfile '" + name + "'");
  }
}

PidFile::~PidFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

}  // namespace remuda::daemon
