#include "auth/hba_pattern.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "auth/hba_source.h"
#include "remuda/base/error.h"
#include "remuda/base/text.h"

namespace remuda::auth {
namespace {

constexpr size_t kMaxRepeat = 255;

bool is_ascii(char c) {
  return static_cast<unsigned char>(c) < 0x80;
}

// What a class escape stands for between brackets, or nothing.
std::string_view members_of(char escape) {
  switch (escape) {
    case 'd':
    case 'D':
      return "[:digit:]";
    case 'w':
    case 'W':
      return "[:alnum:]_";
    case 's':
    case 'S':
      return "[:space:]";
    default:
      return {};
  }
}

// Translates in one pass. A position that a repetition may follow is remembered.
class Translation {
 public:
  explicit Translation(std::string_view pattern) : rest_(pattern) {}

  std::string run() {
    while (!rest_.empty()) step(take());
    if (depth_ > 0) throw HbaFault("a parenthesis is not closed in the regular expression");
    return out_;
  }

  size_t repeats() const noexcept { return repeats_; }

 private:
  char take() {
    if (rest_.empty()) throw HbaFault("the regular expression ends too early");
    const char c = rest_[0];
    rest_.remove_prefix(1);
    return c;
  }

  bool take_if(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void step(char c);
  void escape();
  void open_group();
  void close_group();
  void repeat(char c);
  void interval();
  size_t number();
  void bracket();
  void bracket_escape(bool may_follow);
  void bracket_class();
  void close_bracket(bool is_negated);

  std::string_view rest_;
  std::string out_;
  bool can_repeat_ = false;
  size_t depth_ = 0;
  size_t repeats_ = 1;
  // The bracket being read: ranges and classes, and members whose place matters.
  std::string members_;
  bool has_close_ = false;
  bool has_dash_ = false;
  bool has_caret_ = false;
};

void Translation::step(char c) {
  switch (c) {
    case '\\':
      return escape();
    case '[':
      return bracket();
    case '(':
      return open_group();
    case ')':
      return close_group();
    case '*':
    case '+':
    case '?':
    case '{':
      return repeat(c);
    case '|':
    case '^':
    case '$':
      out_ += c;
      can_repeat_ = false;
      return;
    case '}':
      out_ += "\\}";
      can_repeat_ = true;
      return;
    default:
      out_ += c;
      can_repeat_ = is_ascii(c);  // otherwise a repetition would take the last byte alone
  }
}

void Translation::escape() {
  const char c = take();
  const std::string_view members = members_of(c);
  if (!members.empty()) {
    out_ += fmt::format("[{}{}]", c < 'a' ? "^" : "", members);
  } else if (!is_ascii(c) || is_letter_or_digit(c)) {
    throw HbaFault(
        fmt::format("\\{} in a regular expression is not supported", is_ascii(c) ? c : '?'),
        "\\d, \\w, \\s, \\D, \\W, \\S and \\ before punctuation");
  } else {
    // The matcher gives some escapes of plain punctuation a meaning of their own.
    if (std::string_view(".[]()*+?{}|^$\\").find(c) != std::string_view::npos) out_ += '\\';
    out_ += c;
  }
  can_repeat_ = true;
}

void Translation::open_group() {
  if (rest_.starts_with('?')) throw HbaFault("(? in a regular expression is not supported");
  out_ += '(';
  ++depth_;
  can_repeat_ = false;
}

void Translation::close_group() {
  if (depth_ == 0) throw HbaFault("a parenthesis is not opened in the regular expression");
  out_ += ')';
  --depth_;
  can_repeat_ = true;
}

void Translation::repeat(char c) {
  if (!can_repeat_) {
    throw HbaFault(fmt::format("{} has nothing to repeat in the regular expression", c),
                   "behind one character of ASCII, a bracket or a parenthesis; no *? and the like");
  }
  if (c == '{') {
    interval();
  } else {
    out_ += c;
  }
  can_repeat_ = false;
}

void Translation::interval() {
  const size_t least = number();
  size_t most = least;
  out_ += fmt::format("{{{}", least);
  if (take_if(',')) {
    out_ += ',';
    if (!rest_.starts_with('}')) {
      most = number();
      out_ += fmt::format("{}", most);
    }
  }
  if (most < least || take() != '}') throw HbaFault("a repetition {} is malformed", "{n}, {n,m}");
  out_ += '}';
  repeats_ *= std::max<size_t>(most, 1);
  if (repeats_ > kMaxPatternSize) throw HbaFault("the regular expression repeats too much");
}

size_t Translation::number() {
  size_t value = 0;
  const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
  if (error != std::errc() || value > kMaxRepeat) {
    throw HbaFault("a repetition {} is malformed", fmt::format("numbers up to {}", kMaxRepeat));
  }
  rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
  return value;
}

void Translation::bracket() {
  members_.clear();
  has_dash_ = has_caret_ = false;
  const bool is_negated = take_if('^');
  has_close_ = take_if(']');
  while (!take_if(']')) {
    const char c = take();
    if (c == '\\') {
      bracket_escape(members_.size() <= 1 || !members_.ends_with('-'));
    } else if (c == '[') {
      bracket_class();
    } else if (!is_ascii(c)) {
      throw HbaFault("only ASCII can stand in brackets of a regular expression");
    } else {
      members_ += c;
    }
  }
  close_bracket(is_negated);
  can_repeat_ = true;
}

// POSIX knows no escapes in brackets, but places where a character is plain.
void Translation::bracket_escape(bool may_follow) {
  const char c = take();
  const std::string_view members = members_of(c);
  const bool is_class = !members.empty() && c >= 'a';
  const bool starts_range = rest_.starts_with('-') && !rest_.starts_with("-]");
  if (!is_class && (is_letter_or_digit(c) || !is_ascii(c))) {
    throw HbaFault("an escape in brackets of a regular expression is not supported",
                   "\\d, \\w, \\s and \\ before punctuation");
  }
  if (starts_range || !may_follow) {
    throw HbaFault("an escape cannot be the end of a range in a regular expression");
  }
  if (is_class) {
    members_ += members;
  } else if (c == ']') {
    has_close_ = true;
  } else if (c == '-') {
    has_dash_ = true;
  } else if (c == '^') {
    has_caret_ = true;
  } else {
    members_ += c == '[' ? std::string("[.[.]") : std::string(1, c);
  }
}

void Translation::bracket_class() {
  if (!rest_.starts_with(':')) {
    if (rest_.starts_with('.') || rest_.starts_with('=')) {
      throw HbaFault("[. and [= in a regular expression are not supported");
    }
    members_ += '[';
    return;
  }
  const size_t end = rest_.find(":]", 1);
  if (end == rest_.npos) throw HbaFault("a class [: is not closed in the regular expression");
  members_ += '[';
  members_ += rest_.substr(0, end + 2);
  rest_.remove_prefix(end + 2);
}

void Translation::close_bracket(bool is_negated) {
  if (members_.starts_with("--") || (has_close_ && members_.starts_with('-'))) {
    if (members_.size() > 1) throw HbaFault("a range in a regular expression begins with - or ]");
  }
  if (members_.starts_with('-')) {
    has_dash_ = true;
    members_.erase(0, 1);
  }
  if (members_.ends_with('-')) {
    has_dash_ = true;
    members_.pop_back();
  }
  const bool is_only_caret = has_caret_ && members_.empty() && !has_close_ && !is_negated;
  if (is_only_caret) {
    out_ += has_dash_ ? "[-^]" : "\\^";
    return;
  }
  out_ += is_negated ? "[^" : "[";
  if (has_close_) out_ += ']';
  if (!is_negated && !has_close_ && members_.starts_with('^')) {
    throw HbaFault("a bracket of a regular expression cannot be read");
  }
  out_ += members_;
  if (has_caret_) out_ += '^';
  if (has_dash_) out_ += '-';
  out_ += ']';
}

std::string translated(std::string_view pattern) {
  if (pattern.empty()) throw HbaFault("the regular expression is empty");
  if (pattern.size() > kMaxPattern) {
    throw HbaFault("the regular expression is too long", fmt::format("{} bytes", kMaxPattern));
  }
  Translation translation(pattern);
  std::string posix = translation.run();
  if (pattern.size() * translation.repeats() > kMaxPatternSize) {
    throw HbaFault("the regular expression repeats too much");
  }
  return posix;
}

}  // namespace

std::string posix_pattern(std::string_view pattern) {
  return translated(pattern);
}

HbaPattern::HbaPattern(std::string_view pattern) {
  const std::string posix = translated(pattern);
  const int error = regcomp(&compiled_, posix.c_str(), REG_EXTENDED);
  if (error == 0) return;
  char text[128] = "";
  regerror(error, &compiled_, text, sizeof text);
  throw HbaFault(fmt::format("the regular expression is malformed: {}", text));
}

bool HbaPattern::matches(const std::string& name) const {
  if (name.size() > kMaxMatched) return false;
  const int status = regexec(&compiled_, name.c_str(), 0, nullptr, 0);
  REMUDA_CHECK(status == 0 || status == REG_NOMATCH);  // else memory is exhausted
  return status == 0;
}

bool HbaPattern::matches(const std::string& name, std::string& first_group) const {
  if (name.size() > kMaxMatched) return false;
  regmatch_t found[2];
  const int status = regexec(&compiled_, name.c_str(), 2, found, 0);
  REMUDA_CHECK(status == 0 || status == REG_NOMATCH);
  if (status != 0) return false;
  first_group.clear();
  if (found[1].rm_so >= 0) {
    first_group = name.substr(static_cast<size_t>(found[1].rm_so),
                              static_cast<size_t>(found[1].rm_eo - found[1].rm_so));
  }
  return true;
}

}  // namespace remuda::auth
