#include "config/secret_file.h"

#include <fmt/format.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "config/open_file.h"

namespace remuda::config {
namespace {

void wipe(std::string& text) {
  explicit_bzero(text.data(), text.size());
  text.clear();
}

// Up to one byte more than a secret with its line end may have. False: errno says why.
bool read_bounded(int fd, std::string& text) {
  text.assign(kMaxSecret + 3, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t count = read(fd, text.data() + size, text.size() - size);
    if (count == 0) break;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    size += static_cast<size_t>(count);
  }
  text.resize(size);
  return true;
}

void cut_line_end(std::string& text) {
  if (!text.ends_with('\n')) return;
  text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
}

std::string fault_of(const std::string& path, const std::string& secret) {
  if (secret.empty()) return path + " is empty";
  if (secret.size() > kMaxSecret) {
    return fmt::format("{} is too long for a secret (allowed: {} bytes)", path, kMaxSecret);
  }
  if (secret.find('\0') != secret.npos) return path + " has a zero byte";
  return "";
}

}  // namespace

std::string read_secret_file(const std::string& path, std::string& secret,
                             std::vector<std::string>& messages) {
  const auto unreadable = [&path](const char* why) {
    return fmt::format("cannot read {}: {}", path, why);
  };
  const OpenFile file(path, O_NONBLOCK);
  struct stat state {};
  if (file.fd() < 0 || fstat(file.fd(), &state) != 0) return unreadable(strerror(errno));
  if (!S_ISREG(state.st_mode)) return unreadable("it is no regular file");
  std::string text;
  if (!read_bounded(file.fd(), text)) return unreadable(strerror(errno));
  cut_line_end(text);
  std::string fault = fault_of(path, text);
  if (fault.empty()) secret = text;
  wipe(text);
  if (fault.empty() && (state.st_mode & (S_IRGRP | S_IROTH)) != 0) {
    messages.push_back(path + ": others can read this secret; chmod 600");
  }
  return fault;
}

bool is_readable_by_all(const std::string& path) {
  struct stat state {};
  return stat(path.c_str(), &state) == 0 && (state.st_mode & S_IROTH) != 0;
}

}  // namespace remuda::config
