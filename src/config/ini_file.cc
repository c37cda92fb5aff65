#include "config/ini_file.h"

#include <fmt/core.h>
#include <ini.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <iterator>

#include "config/nearest.h"
#include "remuda/base/bytes.h"
#include "remuda/base/error.h"

// inih as distributions build it cuts lines at 199 bytes and names at 49, takes an indented line
// for more of the value before, a " ;" for the start of a comment even in a password, and ':' for
// '='. PgBouncer does none of this. So inih gets its lines from the feed below. A line on which
// both agree goes through as it is, but for its indentation. Otherwise the value goes in pieces, as
// continuation lines that are joined again, with blanks, ';' and '#' escaped; and a name that is
// long or has unusual bytes goes as a stand-in, as inih has no way at all to take it. What stands
// in the file behind a section's ']', and text that is neither header nor pair, inih does not see.

namespace remuda::config {
namespace {

constexpr size_t kPiece = 120;     // escaped bytes per continuation line
constexpr size_t kPlainSize = 40;  // of a name or value that goes as it is
constexpr size_t kShownSize = 60;  // of an unknown name, in a fault
constexpr char kEscape = '%';
constexpr const char* kStandIn = "name";
constexpr std::string_view kSections[] = {"databases", "users", "peers", "pgbouncer", "remuda"};

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '*' || c == '-';
}

bool is_plain_name(std::string_view name) {
  return name.size() <= kPlainSize && std::all_of(name.begin(), name.end(), is_name_byte);
}

bool is_plain_value(std::string_view value) {
  const auto plain = [](char c) { return is_name_byte(c) || c == '/' || c == ','; };
  return value.size() <= kPlainSize && std::all_of(value.begin(), value.end(), plain);
}

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c > ' ' && c < 0x7f && c != kEscape && c != ';' && c != '#') {
      out += c;
    } else {
      out += kEscape;
      append_hex(out, {&c, 1});
    }
  }
  return out;
}

std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != kEscape) {
      out += text[i];
      continue;
    }
    REMUDA_CHECK(i + 2 < text.size());
    unsigned char byte = 0;
    std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16);
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

std::string shown(std::string_view name) {
  return std::string(name.substr(0, kShownSize)) + (name.size() > kShownSize ? "..." : "");
}

// Turns the lines of the files into lines for inih, and what inih makes of them into IniLines. inih
// calls take_value before it asks for the next line, so it is always about the last of the lines.
class Feed {
 public:
  Feed(const std::string& path, ReadFile read) : source_(path, std::move(read), result_.faults) {}

  IniFile parse() {
    const int refused = ini_parse_stream(read_line, this, take_value, this);
    if (refused != 0) {
      result_.faults.push_back({"", 0, "", "this build of inih cannot read configurations", ""});
      return std::move(result_);
    }
    for (IniLine& line : result_.lines) line.value = unescape(line.value);
    return std::move(result_);
  }

 private:
  // ---- What inih calls: it is C, so nothing may be thrown through it ----

  static char* read_line(char* buffer, int size, void* self) noexcept {
    Feed& feed = *static_cast<Feed*>(self);
    if (feed.sent_ == feed.pending_.size() && !feed.refill()) return nullptr;
    const std::string& line = feed.pending_[feed.sent_++];
    REMUDA_CHECK(line.size() < static_cast<size_t>(size));
    std::memcpy(buffer, line.c_str(), line.size() + 1);
    return buffer;
  }

  static int take_value(void* self, const char*, const char* name, const char* value) noexcept {
    // Some builds report headers too; ours are known already.
    if (name != nullptr && value != nullptr) {
      static_cast<Feed*>(self)->result_.lines.back().value += value;
    }
    return 1;
  }

  // ---- From the files' lines to inih's ----

  // False at the end of everything.
  bool refill() {
    pending_.clear();
    sent_ = 0;
    std::string_view line;
    while (pending_.empty() && source_.next(line)) take(line);
    return !pending_.empty();
  }

  void take(std::string_view line) {
    // Behind a header there may be another, or a pair, or a comment.
    while (!line.empty() && line[0] == '[') {
      const size_t end = line.find(']');
      if (end == std::string_view::npos) {
        is_skipping_ = true;
        return source_.fault("", "syntax error", "[section]");
      }
      take_header(line.substr(1, end - 1));
      line = trim(line.substr(end + 1));
    }
    if (!line.empty() && line[0] != ';' && line[0] != '#') take_pair(line);
  }

  void take_header(std::string_view name) {
    const auto known = std::find(std::begin(kSections), std::end(kSections), name);
    is_skipping_ = known == std::end(kSections);
    if (is_skipping_) {
      const std::string meant = nearest(name, {std::begin(kSections), std::end(kSections)});
      return source_.fault(fmt::format("[{}]", shown(name)),
                           meant.empty()
                               ? "unknown section"
                               : fmt::format("unknown section, did you mean [{}]?", meant),
                           "[databases], [users], [peers], [remuda], [pgbouncer]");
    }
    section_ = name;
    IniLine& line = add_line();
    line.is_header = true;
    pending_.push_back(fmt::format("[{}]\n", name));
  }

  void take_pair(std::string_view line) {
    if (is_skipping_) return;
    const bool is_quoted = line[0] == '\'';
    if (is_quoted) line.remove_prefix(1);
    size_t end = 0;
    while (end < line.size() && (is_quoted ? line[end] != '\'' : is_name_byte(line[end]))) ++end;
    const std::string_view key = line.substr(0, end);
    const std::string_view rest =
        trim(line.substr(std::min(end + (is_quoted ? 1 : 0), line.size())));
    if (key.empty() || rest.empty() || rest[0] != '=') {
      return source_.fault("", "syntax error", "NAME = VALUE, an unusual name in single quotes");
    }
    if (section_.empty()) return source_.fault(shown(key), "stands before any section");
    add_line().key = key;
    send(key, trim(rest.substr(1)));
  }

  void send(std::string_view key, std::string_view value) {
    const std::string_view name = is_plain_name(key) ? key : kStandIn;
    if (is_plain_value(value)) return pending_.push_back(fmt::format("{} = {}\n", name, value));
    pending_.push_back(fmt::format("{} =\n", name));
    const std::string escaped = escape(value);
    for (size_t i = 0; i < escaped.size(); i += kPiece) {
      pending_.push_back(fmt::format("  {}\n", escaped.substr(i, kPiece)));
    }
  }

  IniLine& add_line() {
    IniLine& line = result_.lines.emplace_back();
    line.file = source_.file();
    line.line = source_.line();
    line.section = section_;
    return line;
  }

  IniFile result_;
  IniSource source_;
  std::string section_;
  bool is_skipping_ = false;  // in a section with a broken header, which is fault enough
  std::vector<std::string> pending_;
  size_t sent_ = 0;
};

}  // namespace

IniFile read_ini(const std::string& path, ReadFile read) {
  return Feed(path, std::move(read)).parse();
}

}  // namespace remuda::config
