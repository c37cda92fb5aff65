#include "config/user_list.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "config/config.h"
#include "config/open_file.h"
#include "config/secret_file.h"

namespace remuda::config {
namespace {

constexpr off_t kMaxFile = 256 * 1024 * 1024;
constexpr std::string_view kUserBlanks = " \t\r\f\v";

void skip_blanks(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kUserBlanks), line.size()));
}

// Takes one "quoted ""text""" off the front of the line; nothing if there is none.
std::optional<std::string> take_quoted(std::string_view& line) {
  skip_blanks(line);
  if (line.empty() || line[0] != '"') return std::nullopt;
  line.remove_prefix(1);
  std::string text;
  while (true) {
    size_t quote = line.find('"');
    if (quote == line.npos) return std::nullopt;
    text += line.substr(0, quote);
    line.remove_prefix(quote + 1);
    if (line.empty() || line[0] != '"') return text;
    text += '"';
    line.remove_prefix(1);
  }
}

// One line into the map, or what is wrong with it.
const char* read_line(std::string_view line, std::map<std::string, std::string>& secrets) {
  skip_blanks(line);
  if (line.empty() || line[0] == ';') return nullptr;
  auto name = take_quoted(line);
  if (!name) return "broken auth file";
  if (name->size() > kMaxUserName) return "username too long in auth file";
  auto secret = take_quoted(line);
  if (!secret) return "broken auth file";
  if (secret->size() > kMaxSecret) return "password too long in auth file";
  secrets[*name] = std::move(*secret);
  return nullptr;
}

// False if the file cannot be read; errno then says why.
bool read_all(int fd, std::string& text) {
  char part[65536];
  while (true) {
    ssize_t count = read(fd, part, sizeof part);
    if (count == 0) return true;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    text.append(part, static_cast<size_t>(count));
    if (text.size() > static_cast<size_t>(kMaxFile)) {
      errno = EFBIG;
      return false;
    }
  }
}

}  // namespace

const std::string* UserList::find(const std::string& name) const {
  auto found = secrets_.find(name);
  return found == secrets_.end() ? nullptr : &found->second;
}

UserList UserList::parse(std::string_view text, std::string& problem) {
  problem.clear();
  UserList list;
  for (int number = 1; !text.empty(); ++number) {
    size_t end = std::min(text.find('\n'), text.size());
    if (const char* what = read_line(text.substr(0, end), list.secrets_)) {
      problem = fmt::format("{} (line {})", what, number);
      break;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  for (const auto& [name, secret] : list.secrets_) {
    if (secret.empty()) continue;
    const bool is_scram = secret.starts_with("SCRAM-SHA-256$");
    (is_scram ? list.has_scram_ : list.has_others_) = true;
  }
  return list;
}

std::shared_ptr<const UserList> load_user_list(const std::string& path,
                                               std::shared_ptr<const UserList> current,
                                               std::vector<std::string>& messages) {
  if (path.empty()) return std::make_shared<const UserList>();
  if (!current) current = std::make_shared<const UserList>();
  auto unreadable = [&] {
    messages.push_back(fmt::format("cannot read auth_file \"{}\": {}", path, strerror(errno)));
    return current;
  };
  const OpenFile file(path);
  struct stat state {};
  if (file.fd() < 0 || fstat(file.fd(), &state) != 0) return unreadable();
  UserList::Source source{state.st_dev, state.st_ino, state.st_size, state.st_mtim.tv_sec,
                          state.st_mtim.tv_nsec};
  if (source == current->source_) return current;
  std::string text;
  if (!read_all(file.fd(), text)) return unreadable();
  std::string problem;
  UserList list = UserList::parse(text, problem);
  if (!problem.empty()) messages.push_back(fmt::format("{}: {}", path, problem));
  for (const auto& [name, secret] : current->secrets_) list.secrets_.try_emplace(name);
  list.source_ = source;
  return std::make_shared<const UserList>(std::move(list));
}

}  // namespace remuda::config
