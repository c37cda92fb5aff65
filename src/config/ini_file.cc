#include "config/ini_file.h"

#include <fmt/core.h>
#include <ini.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

// inih as distributions build it cuts lines at 199 bytes and names at 49, takes an indented line as a
// continuation, takes " ;" as the beginning of a comment even in a password, and accepts ':' for '='.
// PgBouncer does none of this. So the reader below, through which inih gets its lines, hands a line on
// as it is only where both agree. Otherwise the value goes in escaped pieces, as continuation lines
// that are joined again, and a long key goes under a short stand-in.

namespace remuda::config {
namespace {

constexpr size_t kPiece = 120;        // escaped bytes per continuation line
constexpr size_t kLongestName = 40;   // of a key or value that inih gets as it is
constexpr char kEscape = '%';
constexpr char kEscaped = '@';        // first byte of an escaped piece
constexpr const char* kStandIn = "long-key";

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool is_key_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '*' || c == '-';
}

std::string escape(std::string_view text) {
  std::string out;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > ' ' && c != kEscape && c != ';' && c != '#') {
      out += c;
    } else {
      out += fmt::format("{}{:02x}", kEscape, byte);
    }
  }
  return out;
}

std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == kEscape && i + 2 < text.size()) {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool is_plain(std::string_view key, std::string_view value) {
  const auto plain = [](char c) { return is_key_char(c) || c == '/' || c == ','; };
  return !value.empty() && key.size() <= kLongestName && value.size() <= kLongestName &&
         std::all_of(key.begin(), key.end(), is_key_char) &&
         std::all_of(value.begin(), value.end(), plain);
}

// One open file of the include stack.
struct Source {
  std::string name;
  std::string text;
  size_t at = 0;
  int line = 0;

  bool next(std::string_view& out) {
    if (at >= text.size()) return false;
    const size_t end = std::min(text.find('\n', at), text.size());
    out = std::string_view(text).substr(at, end - at);
    at = end + 1;
    ++line;
    return true;
  }
};

class Feed {
 public:
  explicit Feed(const std::string& path) { open(path, nullptr); }

  IniFile parse() {
    const int failed = ini_parse_stream(read_line, this, take_entry, this);
    if (failed != 0) result_.faults.push_back({"", 0, "", "the file could not be understood", ""});
    return std::move(result_);
  }

 private:
  // ---- Called by inih ----

  static char* read_line(char* buffer, int size, void* self) {
    Feed& feed = *static_cast<Feed*>(self);
    if (feed.at_ == feed.pending_.size() && !feed.refill()) return nullptr;
    const std::string& line = feed.pending_[feed.at_++];
    if (line.size() + 1 > static_cast<size_t>(size)) return nullptr;
    std::memcpy(buffer, line.c_str(), line.size() + 1);
    return buffer;
  }

  static int take_entry(void* self, const char*, const char*, const char* value) {
    Feed& feed = *static_cast<Feed*>(self);
    std::string& whole = feed.result_.lines.back().value;
    if (*value == kEscaped) {
      whole += unescape(value + 1);
    } else {
      whole += value;
    }
    return 1;
  }

  // ---- What inih is given ----

  // Reads on until there is something for inih. False at the end of everything.
  bool refill() {
    pending_.clear();
    at_ = 0;
    while (pending_.empty() && !sources_.empty()) {
      std::string_view line;
      if (!sources_.back().next(line)) {
        sources_.pop_back();
        continue;
      }
      take_line(line);
    }
    return !pending_.empty();
  }

  void take_line(std::string_view raw) {
    if (raw.size() > kMaxIniLine) return fault("", "line too long", "up to 1 MiB");
    if (raw.find('\0') != std::string_view::npos) return fault("", "NUL byte in the file");
    const std::string_view line = trim(raw);
    if (line.empty() || line[0] == ';' || line[0] == '#') return;
    if (line[0] == '[') return take_header(line);
    if (line.starts_with("%include") && line.size() > 8 && is_blank(line[8])) {
      return open(std::string(trim(line.substr(8))), &sources_.back());
    }
    take_pair(line);
  }

  void take_header(std::string_view line) {
    const size_t end = line.find(']');
    const std::string name(line.substr(1, end == std::string_view::npos ? end : end - 1));
    static constexpr const char* kKnown[] = {"pgbouncer", "remuda", "databases", "users", "peers"};
    const bool known = std::find(std::begin(kKnown), std::end(kKnown), name) != std::end(kKnown);
    skipping_ = end == std::string_view::npos || !known || line.size() != end + 1;
    if (end == std::string_view::npos || line.size() != end + 1) {
      return fault("", "section header is not of the form [name]");
    }
    if (!known) {
      return fault(fmt::format("[{}]", name), "unknown section",
                   "[databases], [users], [peers], [pgbouncer], [remuda]");
    }
    section_ = name;
    IniLine header = new_line();
    header.is_header = true;
    result_.lines.push_back(std::move(header));
    pending_.push_back(fmt::format("[{}]\n", name));
  }

  void take_pair(std::string_view line) {
    std::string key;
    size_t at = 0;
    if (line[0] == '\'') {
      at = line.find('\'', 1);
      if (at == std::string_view::npos) return fault("", "quoted name does not end");
      key = line.substr(1, at - 1);
      ++at;
    } else {
      while (at < line.size() && is_key_char(line[at])) ++at;
      key = line.substr(0, at);
    }
    while (at < line.size() && is_blank(line[at])) ++at;
    if (at == line.size() || line[at] != '=' || key.empty()) {
      return fault("", "syntax error", "name = value, with unusual names in single quotes");
    }
    if (skipping_) return;
    if (section_.empty()) return fault(key, "stands before any section");
    emit(key, trim(line.substr(at + 1)));
  }

  void emit(const std::string& key, std::string_view value) {
    IniLine line = new_line();
    line.key = key;
    result_.lines.push_back(std::move(line));
    if (is_plain(key, value)) {
      pending_.push_back(fmt::format("{} = {}\n", key, value));
      return;
    }
    const std::string name = key.size() <= kLongestName &&
                                     std::all_of(key.begin(), key.end(), is_key_char)
                                 ? key
                                 : kStandIn;
    pending_.push_back(fmt::format("{} = {}\n", name, kEscaped));
    const std::string escaped = escape(value);
    for (size_t i = 0; i < escaped.size();) {
      size_t n = std::min(kPiece, escaped.size() - i);
      // An escape is not torn apart.
      for (size_t back = 1; back <= 2 && i + n < escaped.size(); ++back) {
        if (escaped[i + n - back] == kEscape) n -= back;
      }
      pending_.push_back(fmt::format("  {}{}\n", kEscaped, escaped.substr(i, n)));
      i += n;
    }
  }

  // ---- Files ----

  void open(const std::string& path, const Source* from) {
    if (sources_.size() > kMaxIncludeDepth) {
      return fault("%include", fmt::format("'{}' is included too deep", path), "up to 10 levels");
    }
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    if (file) text << file.rdbuf();
    if (!file || text.fail()) {
      const std::string what = fmt::format("cannot read '{}': {}", path, std::strerror(errno));
      if (from) return fault("%include", what);
      result_.faults.push_back({path, 0, "", fmt::format("cannot read: {}", std::strerror(errno)), ""});
      return;
    }
    Source source{path, text.str(), 0, 0};
    if (source.text.size() > kMaxIniFile) {
      result_.faults.push_back({path, 0, "", "file too large", "up to 16 MiB"});
      return;
    }
    if (source.text.starts_with("\xEF\xBB\xBF")) source.at = 3;
    sources_.push_back(std::move(source));
  }

  IniLine new_line() const {
    IniLine line;
    line.file = sources_.back().name;
    line.line = sources_.back().line;
    line.section = section_;
    return line;
  }

  void fault(std::string key, std::string what, std::string allowed = "") {
    result_.faults.push_back(
        {sources_.back().name, sources_.back().line, std::move(key), std::move(what), std::move(allowed)});
  }

  std::vector<Source> sources_;
  std::string section_;
  bool skipping_ = false;  // in an unknown section: its keys were faulted with it
  std::vector<std::string> pending_;
  size_t at_ = 0;
  IniFile result_;
};

}  // namespace

IniFile read_ini(const std::string& path) { return Feed(path).parse(); }

}  // namespace remuda::config
