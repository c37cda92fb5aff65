#include "simulation/model_server.h"

#include <algorithm>
#include <cctype>
#include <sstream>
#include <vector>

#include "remuda/base/bytes.h"

namespace remuda::simulation {
namespace {

constexpr size_t kSendBuffer = 8192;  // PostgreSQL's own

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

// "@7.31 rest" gives "@7.31".
std::string mark_of(std::string_view body) {
  if (body.empty() || body[0] != '@') return "";
  return std::string(body.substr(0, body.find_first_of(std::string_view(" \0", 2))));
}

std::string owner_of(const std::string& mark) {
  return mark.substr(0, mark.find('.'));
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> all;
  for (std::string word; in >> word;) all.push_back(word);
  return all;
}

}  // namespace

std::string message(char type, std::string_view body) {
  std::string bytes(5, type);
  store_u32(bytes.data() + 1, static_cast<uint32_t>(body.size() + 4));
  return bytes.append(body);
}

const ModelServer::Parameters& ModelServer::defaults() {
  static const Parameters values{{"DateStyle", "ISO"},
                                 {"TimeZone", "UTC"},
                                 {"application_name", ""},
                                 {"search_path", "public"}};
  return values;
}

void ModelServer::start_with(const std::string& name, const std::string& value) {
  set(name, value);
  committed_ = reported_ = parameters_;
}

void ModelServer::read(std::string_view bytes) {
  input_ += bytes;
  size_t at = 0;
  while (!closed_ && input_.size() - at >= 5) {
    const size_t size = size_t{1} + load_u32(input_.data() + at + 1);
    if (input_.size() - at < size) break;
    const std::string whole = input_.substr(at, size);
    at += size;
    ++messages_;
    handle(whole[0], std::string_view(whole).substr(5));
  }
  input_.erase(0, at);
}

void ModelServer::take(size_t n) {
  taken_ += n;
  flushed_ = std::max(flushed_, taken_);
  if (taken_ < 65536 && taken_ < output_.size()) return;
  output_.erase(0, taken_);
  flushed_ -= taken_;
  taken_ = 0;
}

bool ModelServer::is_clean() const {
  return status_ == 'I' && !in_batch_ && !skipping_ && !copying_ && to_do_.empty() &&
         input_.empty() && flushed_ == output_.size() && !closed_;
}

void ModelServer::handle(char type, std::string_view body) {
  note_sender(body);
  if (copying_) {
    handle_in_copy(type, body);
    return;
  }
  if (type == 'S') {
    skipping_ = false;
    in_extended_ = false;
    end_transaction(true);
    ready();
    return;
  }
  if (skipping_ || std::string_view("dcf").find(type) != std::string_view::npos) return;
  in_extended_ = std::string_view("PBDECH").find(type) != std::string_view::npos;
  switch (type) {
    case 'Q':
      simple_query(body);
      break;
    case 'F':
      function_call(body);
      break;
    case 'H':
      flush();
      break;
    default:
      extended(type, body);
  }
}

void ModelServer::handle_in_copy(char type, std::string_view body) {
  switch (type) {
    case 'S':
    case 'H':
      return;
    case 'd':
      ++copied_;
      if (copy_fails_ == "row" + std::to_string(copied_)) fail("bad row");
      break;
    case 'c':
      if (copy_fails_ == "end") {
        fail("constraint");
      } else {
        end_copy();
      }
      break;
    case 'f':
      fail("COPY failed: " + std::string(body));
      break;
    default:
      shut_down("unexpected message during COPY");
  }
}

void ModelServer::note_sender(std::string_view body) {
  const std::string mark = mark_of(body);
  if (mark.empty()) return;
  const std::string owner = owner_of(mark);
  const bool is_open = status_ != 'I' || in_batch_ || skipping_ || copying_;
  if (is_open && owner != owner_) {
    violation_ = mark + " met what " + owner_ + " had left open";
  }
  owner_ = owner;
  sender_ = mark;
}

void ModelServer::simple_query(std::string_view body) {
  const std::string_view sql = body.substr(0, body.size() - 1);
  if (mark_of(sql).empty()) {
    owner_ = "the pool";
    if (status_ != 'I' || in_batch_) violation_ = "an internal query met what was left open";
    if (run_internal(sql)) ready();
    return;
  }
  std::istringstream statements{std::string(sql.substr(mark_of(sql).size()))};
  for (std::string one; std::getline(statements, one, ';');) to_do_.push_back(one);
  if (to_do_.empty()) emit('I');
  go_on();
}

// What is left of a simple query, up to its end or the start of a COPY.
void ModelServer::go_on() {
  while (!to_do_.empty()) {
    const std::string statement = to_do_.front();
    to_do_.pop_front();
    const Outcome outcome = run(statement, false);
    if (outcome == Outcome::copying) return;
    if (outcome == Outcome::failed) return;  // which has answered all
  }
  end_transaction(true);
  ready();
}

void ModelServer::extended(char type, std::string_view body) {
  in_batch_ = true;
  const std::string name(body.substr(0, body.find('\0')));
  switch (type) {
    case 'P':
      unnamed_ = name.substr(mark_of(name).size());
      if (words(unnamed_)[0] == "unparsable") {
        fail("syntax");
      } else {
        emit('1');
      }
      break;
    case 'B':
      portals_[name] = Portal{unnamed_};
      emit('2');
      break;
    case 'D':
      if (portals_.count(name)) {
        emit(words(portals_[name].statement)[0] == "select" ? 'T' : 'n', sender_);
      } else {
        fail("no such portal");
      }
      break;
    case 'C':
      portals_.erase(name);
      emit('3');
      break;
    case 'E':
      execute(body);
      break;
    default:
      shut_down("unknown message");
  }
}

void ModelServer::execute(std::string_view body) {
  const size_t end = body.find('\0');
  const auto at = portals_.find(std::string(body.substr(0, end)));
  if (at == portals_.end()) {
    fail("no such portal");
    return;
  }
  Portal& portal = at->second;
  const size_t limit = load_u32(body.data() + end + 1);
  const std::vector<std::string> text = words(portal.statement);
  if (text[0] != "select" || status_ == 'E') {
    const std::string statement = portal.statement;
    run(statement, true);
    return;
  }
  const size_t total = std::stoul(text[1]);
  const size_t last = limit == 0 ? total : std::min(total, portal.row + limit);
  rows(portal.row, last, std::stoul(text[2]));
  portal.row = last;
  if (limit != 0 && last < total) {
    emit('s');
  } else {
    complete("SELECT");
  }
}

void ModelServer::function_call(std::string_view body) {
  if (status_ == 'E' || body.find("error") != std::string_view::npos) {
    fail("function");
    return;
  }
  emit('V', sender_);
  end_transaction(true);
  ready();
}

ModelServer::Outcome ModelServer::run(const std::string& statement, bool extended_protocol) {
  const std::vector<std::string> text = words(statement);
  const std::string& verb = text[0];
  if (status_ == 'E' && verb != "rollback" && verb != "commit") {
    fail("transaction is aborted");
    return Outcome::failed;
  }
  if (verb == "error") {
    fail("asked for");
    return Outcome::failed;
  }
  if (verb == "copyin") return start_copy(text[1]);
  if (verb == "copyout") {
    emit('H', sender_);
    for (size_t i = 0; i < std::stoul(text[1]); ++i) emit('d', sender_);
    emit('c');
  } else if (verb == "select") {
    if (!extended_protocol) emit('T', sender_);
    rows(0, std::stoul(text[1]), std::stoul(text[2]));
  } else if (verb == "notice") {
    emit('N', sender_);
  } else if (verb == "set") {
    set(text[1], text.size() > 2 ? text[2] : "");
    if (!reports_late_) report();
  } else if (verb == "begin") {
    status_ = 'T';
  } else if (verb == "commit" || verb == "rollback") {
    const bool commit = verb == "commit" && status_ == 'T';
    status_ = 'I';
    end_transaction(commit);
    if (!reports_late_) report();
  }
  complete(upper(verb));
  return Outcome::done;
}

ModelServer::Outcome ModelServer::start_copy(const std::string& how) {
  if (how == "early") {
    fail("no such table");
    return Outcome::failed;
  }
  emit('G', sender_);
  flush();
  if (how == "start") {
    fail("cannot copy to view");
    return Outcome::failed;
  }
  copying_ = true;
  copy_fails_ = how;
  copied_ = 0;
  return Outcome::copying;
}

void ModelServer::end_copy() {
  copying_ = false;
  complete("COPY " + std::to_string(copied_));
  if (!in_extended_) go_on();
}

void ModelServer::rows(size_t from, size_t to, size_t size) {
  for (size_t i = from; i < to; ++i) {
    emit('D', sender_ + " row " + std::to_string(i) + std::string(size, 'Z'));
  }
}

void ModelServer::set(const std::string& name, const std::string& value) {
  parameters_[name] = name == "DateStyle" ? upper(value) : value;
}

// Of an implicit transaction, or of the explicit one that has just ended.
void ModelServer::end_transaction(bool commit) {
  if (status_ != 'I') return;
  portals_.clear();
  if (commit) {
    committed_ = parameters_;
  } else {
    parameters_ = committed_;
  }
}

void ModelServer::fail(const std::string& why) {
  copying_ = false;
  to_do_.clear();
  if (status_ == 'T') status_ = 'E';
  parameters_ = committed_;
  portals_.clear();
  emit('E', sender_ + " " + why);
  if (!reports_late_) report();
  flush();
  if (in_extended_) {
    skipping_ = true;
  } else {
    ready();
  }
}

void ModelServer::shut_down(const std::string& why) {
  emit('E', "FATAL " + why);
  flush();
  closed_ = true;
}

void ModelServer::ready() {
  report();
  in_batch_ = false;
  emit('Z', std::string(1, status_));
  flush();
}

void ModelServer::emit(char type, std::string_view body) {
  output_ += message(type, body);
  while (output_.size() - flushed_ >= kSendBuffer) flushed_ += kSendBuffer;
}

// The tag tells all parameters, so that a foreign one is seen at once.
void ModelServer::complete(const std::string& tag) {
  std::string body = tag + " " + sender_;
  for (const auto& [name, value] : parameters_) body += " " + name + "=" + value;
  emit('C', body);
}

void ModelServer::report() {
  for (const auto& [name, value] : parameters_) {
    if (name.find('.') != std::string::npos || reported_[name] == value) continue;
    reported_[name] = value;
    emit('S', name + '\0' + value + '\0');
  }
}

}  // namespace remuda::simulation
