#include "auth/hba_source.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>
#include <utility>

#include "auth/hba_lexer.h"
#include "io/file_descriptor.h"
#include "remuda/base/error.h"
#include "remuda/wire/crypto.h"

namespace remuda::auth {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr size_t kMaxShownWord = 60;

// Never waits, not even for the other end of a pipe.
std::string read_from_disk(const std::string& path) {
  const io::FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) throw SystemError(errno, path);
  // One byte beyond the limit is enough to see that a file is too large, even an endless one.
  std::string text(kMaxHbaFile + 1, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t count = ::read(file.get(), text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw SystemError(errno, path);
    if (count == 0) break;
    size += static_cast<size_t>(count);
  }
  text.resize(size);
  return text;
}

std::vector<std::string> list_on_disk(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator entry(path, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  if (error) throw SystemError(error.value(), path);
  return names;
}

std::string unreadable(const std::string& path, int error) {
  return fmt::format("cannot read \"{}\": {}", path, std::strerror(error));
}

// A comment is not continued, as in PgBouncer: else the rule below would silently be gone.
bool is_comment(std::string_view line) {
  const size_t start = line.find_first_not_of(" \t\f\v");
  return start != line.npos && line[start] == '#';
}

}  // namespace

HbaFiles hba_files_on_disk() {
  return {read_from_disk, list_on_disk};
}

HbaFault::HbaFault(const std::string& what, std::string_view allowed)
    : std::runtime_error(allowed.empty() ? what : fmt::format("{} (allowed: {})", what, allowed)) {}

std::string hba_shown(std::string_view word) {
  const std::string_view shown = word.substr(0, std::min(word.find('='), kMaxShownWord));
  std::string text;
  for (const char c : shown) text += c >= 0 && c < ' ' ? '?' : c;
  return shown.size() < word.size() ? text + "..." : text;
}

HbaSource::HbaSource(const std::string& path, HbaFiles files, std::vector<std::string>& messages)
    : files_(std::move(files)), messages_(messages) {
  try {
    open(path, 0, false);
  } catch (const HbaFault& fault) {
    messages_.emplace_back(fault.what());
    is_readable_ = false;
  }
}

HbaSource::~HbaSource() {
  stop();
}

bool HbaSource::next(std::string& line) {
  while (next_joined(line)) {
    if (!is_usable(line) || is_include(line)) continue;
    return true;
  }
  return false;
}

bool HbaSource::next_physical(std::string_view& line) {
  Open& file = open_.back();
  if (file.at >= file.text.size()) return false;
  const size_t end = std::min(file.text.find('\n', file.at), file.text.size());
  line = std::string_view(file.text).substr(file.at, end - file.at);
  file.at = end + 1;
  ++file.line;
  if (line.ends_with('\r')) line.remove_suffix(1);
  return true;
}

bool HbaSource::next_joined(std::string& line) {
  wire::wipe(line);
  line.clear();
  while (!open_.empty() && open_.back().at >= open_.back().text.size()) close();
  if (open_.empty()) return false;
  const Open& file = open_.back();
  file_ = file.path;
  line_ = file.line + 1;
  depth_ = file.depth;
  std::string_view part;
  while (next_physical(part)) {
    const bool continues = part.ends_with('\\') && !(line.empty() && is_comment(part));
    if (continues) part.remove_suffix(1);
    line += part;
    if (!continues) break;
  }
  return true;
}

bool HbaSource::is_usable(const std::string& line) {
  if (line.size() > kMaxHbaLine) {
    say(fmt::format("the line is too long (allowed: at most {} bytes)", kMaxHbaLine));
    return false;
  }
  if (line.find('\0') != line.npos) {
    say("there is a zero byte in the line");
    return false;
  }
  return HbaLexer(line).token() != HbaToken::end;
}

bool HbaSource::is_include(const std::string& line) {
  HbaLexer lexer(line);
  const std::string directive = lexer.text();
  if (!lexer.is_keyword("include") && !lexer.is_keyword("include_if_exists") &&
      !lexer.is_keyword("include_dir")) {
    return false;
  }
  try {
    lexer.next();
    const std::string name = lexer.text();
    const bool has_name = lexer.token() == HbaToken::word;
    lexer.next();
    if (!has_name || lexer.token() != HbaToken::end) {
      throw HbaFault(fmt::format("{} takes one name", directive));
    }
    include(directive, name);
  } catch (const HbaFault& fault) {
    say(fmt::format("{}; this line and all below it are left out", fault.what()));
    stop();
  }
  return true;
}

void HbaSource::include(std::string_view directive, const std::string& name) {
  if (depth_ >= kMaxHbaDepth) {
    throw HbaFault("too many files inside each other", fmt::format("{}", kMaxHbaDepth));
  }
  const std::string path = path_beside(file_, name);
  if (directive == "include_dir") {
    include_directory(path, depth_ + 1);
  } else {
    open(path, depth_ + 1, directive == "include_if_exists");
  }
}

void HbaSource::include_directory(const std::string& path, size_t depth) {
  std::vector<std::string> names;
  try {
    names = files_.list(path);
  } catch (const SystemError& error) {
    throw HbaFault(unreadable(path, error.code().value()));
  }
  std::erase_if(names, [](const std::string& name) {
    return name.starts_with('.') || !name.ends_with(".conf");
  });
  // The last one opened is read first.
  std::sort(names.begin(), names.end(), std::greater<>());
  for (const std::string& name : names) open(path + "/" + name, depth, false);
}

void HbaSource::open(const std::string& path, size_t depth, bool may_be_missing) {
  Open file;
  bool is_missing = false;
  file.path = path;
  file.text = read_unless_missing(path, is_missing);
  if (is_missing && may_be_missing) return;
  if (is_missing) throw HbaFault(unreadable(path, ENOENT));
  file.depth = depth;
  if (file.text.starts_with(kByteOrderMark)) file.at = kByteOrderMark.size();
  open_.push_back(std::move(file));
}

std::string HbaSource::read(const std::string& path) {
  bool is_missing = false;
  std::string text = read_unless_missing(path, is_missing);
  if (is_missing) throw HbaFault(unreadable(path, ENOENT));
  return text;
}

std::string HbaSource::read_unless_missing(const std::string& path, bool& is_missing) {
  if (++count_ > kMaxHbaFiles) throw HbaFault(fmt::format("more than {} files", kMaxHbaFiles));
  std::string text;
  try {
    text = files_.read(path);
  } catch (const SystemError& error) {
    is_missing = error.code().value() == ENOENT;
    if (!is_missing) throw HbaFault(unreadable(path, error.code().value()));
  }
  total_ += text.size();
  if (text.size() > kMaxHbaFile || total_ > kMaxHbaTotal) {
    wire::wipe(text);
    throw HbaFault(
        fmt::format("\"{}\" is too large", path),
        fmt::format("at most {} bytes, {} with all files included", kMaxHbaFile, kMaxHbaTotal));
  }
  return text;
}

std::string HbaSource::path_beside(const std::string& file, const std::string& name) {
  if (name.starts_with('/')) return name;
  const size_t slash = file.rfind('/');
  return slash == file.npos ? name : file.substr(0, slash + 1) + name;
}

void HbaSource::say(const std::string& what) {
  if (said_ > kMaxHbaMessages) return;
  const bool is_last = ++said_ > kMaxHbaMessages;
  messages_.push_back(fmt::format("{}:{}: {}", file_, line_,
                                  is_last ? std::string("more is wrong, but not listed") : what));
}

void HbaSource::close() noexcept {
  wire::wipe(open_.back().text);
  open_.pop_back();
}

void HbaSource::stop() noexcept {
  while (!open_.empty()) close();
}

}  // namespace remuda::auth
