#include "macro/replies.h"

#include <algorithm>

#include "macro/packet.h"

namespace remuda::bench {
namespace {

constexpr size_t kHeader = 5;
constexpr size_t kRowPrefix = 2 + 4 + 20 + 4;  // column count, a number, the next column's length
constexpr size_t kErrorPrefix = 1024;
constexpr size_t kAuthenticationPrefix = 1024;

// How much of a message's body we look at.
size_t prefix_of(char type) {
  if (type == 'D') return kRowPrefix;
  if (type == 'E') return kErrorPrefix;
  if (type == 'R') return kAuthenticationPrefix;
  if (type == 'Z') return 1;
  return 0;
}

std::string error_text(std::string_view body) {
  Fields fields(body);
  std::string text;
  while (fields.ok() && !fields.empty()) {
    const auto field = fields.text();
    if (field.starts_with('C')) text = std::string(field.substr(1)) + " " + text;
    if (field.starts_with('M')) text += field.substr(1);
  }
  return text.empty() ? "an error without a text" : text;
}

}  // namespace

void Replies::expect_ready() {
  workload_ = nullptr;
  expected_ = answered_ = rows_ = 0;
  readies_ = 0;
  failed_ = wrong_ = false;
  fault_.clear();
  authentication_.clear();
}

void Replies::expect_answers(const Workload& workload, int64_t number) {
  expect_ready();
  workload_ = &workload;
  number_ = number;
  expected_ = workload.depth;
}

void Replies::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    if (skip_ > 0) {
      const size_t skipped = std::min(skip_, bytes.size());
      skip_ -= skipped;
      bytes.remove_prefix(skipped);
    } else if (head_.empty() && bytes.size() >= head_wanted(bytes)) {
      const size_t wanted = head_wanted(bytes);
      head(bytes.substr(0, wanted));
      bytes.remove_prefix(wanted);
    } else {
      const size_t taken = std::min(head_wanted(head_) - head_.size(), bytes.size());
      head_.append(bytes.substr(0, taken));
      bytes.remove_prefix(taken);
      if (head_.size() < head_wanted(head_)) continue;
      head(head_);
      head_.clear();
    }
  }
}

// How many bytes from the start of a message we need before it can be judged.
size_t Replies::head_wanted(std::string_view bytes) const {
  if (bytes.size() < kHeader) return kHeader;
  const size_t length = load_u32(bytes.data() + 1);
  return kHeader + std::min(prefix_of(bytes[0]), length < 4 ? 0 : length - 4);
}

void Replies::head(std::string_view bytes) {
  const size_t length = load_u32(bytes.data() + 1);
  if (length < 4) return mistake("a message with a length below 4");
  skip_ = 1 + length - bytes.size();
  message(bytes[0], bytes.substr(kHeader));
}

void Replies::message(char type, std::string_view body) {
  switch (type) {
    case 'D':
      return row(body);
    case 'C':
      return complete();
    case 'Z':
      return ready_for_query(body);
    case 'E':
      failed_ = true;
      fault_ = error_text(body);
      return;
    case 'R':
      if (Fields(body).u32() == 0) return;
      if (workload_ != nullptr || !authentication_.empty()) {
        return mistake("an authentication request nobody awaits");
      }
      authentication_ = body;
      return;
    default:
      if (std::string_view("SKNT12n").find(type) == std::string_view::npos) {
        mistake(std::string("an unexpected message of type ") + type);
      }
  }
}

void Replies::row(std::string_view body) {
  if (workload_ == nullptr || answered_ == expected_) return mistake("a row nobody asked for");
  Fields fields(body);
  const bool wide = workload_->width > 0;
  const auto columns = fields.u16();
  const auto number = fields.bytes(fields.u32());
  const auto wanted = std::to_string(number_ + static_cast<int64_t>(answered_));
  if (columns != (wide ? 2 : 1) || number != wanted) {
    return mistake("asked for " + wanted + ", got " + std::string(number));
  }
  if (wide && fields.u32() != workload_->width) return mistake("a row of the wrong width");
  ++rows_;
}

void Replies::complete() {
  if (workload_ == nullptr || answered_ == expected_) return mistake("an answer nobody asked for");
  if (rows_ != workload_->rows) mistake("an answer with the wrong number of rows");
  rows_ = 0;
  ++answered_;
}

void Replies::ready_for_query(std::string_view body) {
  if (++readies_ > 1) mistake("ReadyForQuery twice");
  if (body != "I") mistake("in a transaction nobody began");
  if (answered_ < expected_ && !failed_) mistake("ReadyForQuery before the answer");
}

void Replies::mistake(const std::string& text) {
  if (wrong_) return;  // what comes after the first is its consequence
  wrong_ = true;
  fault_ = text;
}

}  // namespace remuda::bench
