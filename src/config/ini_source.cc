#include "config/ini_source.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "remuda/base/error.h"

namespace remuda::config {
namespace {

constexpr std::string_view kIniBlanks = " \t\r\v\f";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kInclude = "%include";

bool is_include(std::string_view line) {
  return line.starts_with(kInclude) && line.size() > kInclude.size() &&
         (line[kInclude.size()] == ' ' || line[kInclude.size()] == '\t');
}

}  // namespace

std::string_view trim(std::string_view text) noexcept {
  text.remove_prefix(std::min(text.find_first_not_of(kIniBlanks), text.size()));
  text.remove_suffix(text.size() - 1 - text.find_last_not_of(kIniBlanks));
  return text;
}

std::string read_from_disk(const std::string& path) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "re"), std::fclose);
  if (!file) throw SystemError(errno, path);
  std::string text;
  char part[16384];
  // One byte beyond the limit is enough to see that a file is too large, even an endless one.
  while (text.size() <= kMaxIniFile) {
    errno = 0;
    const size_t count = std::fread(part, 1, sizeof part, file.get());
    if (count == 0) break;
    text.append(part, count);
  }
  if (std::ferror(file.get()) != 0) throw SystemError(errno, path);
  return text;
}

IniSource::IniSource(const std::string& path, ReadFile read, std::vector<Fault>& faults)
    : read_(std::move(read)), faults_(faults) {
  std::string problem = open(path);
  if (!problem.empty()) faults_.push_back({path, 0, "", std::move(problem), ""});
}

bool IniSource::next(std::string_view& line) {
  std::string_view raw;
  while (next_raw(raw)) {
    if (!is_usable(raw)) continue;
    line = trim(raw);
    if (line.empty() || line[0] == ';' || line[0] == '#') continue;
    if (!is_include(line)) return true;
    include(std::string(trim(line.substr(kInclude.size()))));
  }
  return false;
}

bool IniSource::next_raw(std::string_view& line) {
  while (!open_.empty() && open_.back().at >= open_.back().text.size()) open_.pop_back();
  if (open_.empty()) return false;
  if (faults_.size() >= kMaxFaults) {
    fault("", "too many faults, the rest was not read");
    return false;
  }
  Open& file = open_.back();
  const size_t end = std::min(file.text.find('\n', file.at), file.text.size());
  line = std::string_view(file.text).substr(file.at, end - file.at);
  file.at = end + 1;
  ++file.line;
  return true;
}

bool IniSource::is_usable(std::string_view raw) {
  if (raw.size() > kMaxIniLine) {
    fault("", "line too long", fmt::format("at most {} bytes", kMaxIniLine));
    return false;
  }
  if (raw.find('\0') != std::string_view::npos) {
    fault("", "zero byte in the line");
    return false;
  }
  return true;
}

void IniSource::include(const std::string& path) {
  if (open_.size() > kMaxIncludeDepth) {
    return fault("%include", "too many files inside each other",
                 fmt::format("at most {}", kMaxIncludeDepth));
  }
  std::string problem = open(path);
  if (!problem.empty()) fault("%include", fmt::format("{}: {}", path, problem));
}

std::string IniSource::open(const std::string& path) {
  if (++files_ > kMaxFiles) return fmt::format("more than {} files", kMaxFiles);
  Open file;
  file.path = path;
  try {
    file.text = read_(path);
  } catch (const SystemError& error) {
    return fmt::format("cannot be read: {}", std::strerror(error.code().value()));
  }
  total_ += file.text.size();
  if (file.text.size() > kMaxIniFile || total_ > kMaxIniTotal) {
    return fmt::format("too large (allowed: at most {} bytes, {} with all includes)", kMaxIniFile,
                       kMaxIniTotal);
  }
  if (file.text.starts_with(kByteOrderMark)) file.at = kByteOrderMark.size();
  open_.push_back(std::move(file));
  return {};
}

void IniSource::fault(std::string key, std::string what, std::string allowed) {
  faults_.push_back({file(), line(), std::move(key), std::move(what), std::move(allowed)});
}

}  // namespace remuda::config
