// The comma-separated attributes of a SCRAM message, taken one after the other in the order in
// which the exchange demands them. Used by the two sides of the exchange only. RFC 5802, section 7.
#pragma once

#include <cstddef>
#include <string>

#include "remuda/base/bytes.h"
#include "remuda/wire/crypto.h"
#include "remuda/wire/scram.h"

namespace remuda::wire {

class Attributes {
 public:
  explicit Attributes(ByteView message) noexcept : text_(message) {}

  // The value of the next attribute, which must have this name. Empty after a failure.
  ByteView take(char name) noexcept {
    if (!next_is(name)) {
      ok_ = false;
      return {};
    }
    const size_t begin = at_ + 2;
    const size_t comma = text_.find(',', begin);
    more_ = comma != ByteView::npos;
    const size_t end = more_ ? comma : text_.size();
    at_ = more_ ? end + 1 : end;
    return text_.substr(begin, end - begin);
  }

  // Steps over attributes that we need not understand, up to one of this name.
  void skip_to(char name) noexcept {
    while (more_ && ok_ && !next_is(name)) skip_extension();
  }

  // Steps over what may follow the last attribute we read.
  void skip_rest() noexcept {
    while (more_ && ok_) skip_extension();
  }

  bool next_is(char name) const noexcept {
    return ok_ && more_ && text_.size() - at_ >= 2 && text_[at_] == name && text_[at_ + 1] == '=';
  }

  // Where the next attribute begins.
  size_t position() const noexcept { return at_; }
  // All attributes were taken and nothing follows, not even a comma.
  bool done() const noexcept { return ok_ && !more_; }

 private:
  void skip_extension() noexcept {
    const char name = at_ < text_.size() ? text_[at_] : '\0';
    const bool is_letter = (name >= 'a' && name <= 'z') || (name >= 'A' && name <= 'Z');
    if (!is_letter || take(name).empty()) ok_ = false;
  }

  ByteView text_;
  size_t at_ = 0;
  bool more_ = true;  // at the beginning, or behind a comma
  bool ok_ = true;
};

// Bounds every message before it is looked into. The fault of those that it refuses:
inline constexpr const char* kNoScramText =
    "malformed SCRAM message: too long, or with a zero byte";
inline bool is_scram_text(ByteView message) noexcept {
  return message.size() <= kMaxScramMessage && message.find('\0') == ByteView::npos;
}

// Our part of a nonce: printable, and more than can be guessed.
inline std::string make_nonce() {
  constexpr size_t kBytes = 18;
  return base64_encode(random_bytes(kBytes));
}

// Printable ASCII, as the grammar wants it.
inline bool is_nonce(ByteView nonce) noexcept {
  for (const char c : nonce) {
    if (c < 0x21 || c > 0x7e || c == ',') return false;
  }
  return !nonce.empty() && nonce.size() <= kMaxScramNonce;
}

inline Digest exclusive_or(const Digest& a, const Digest& b) noexcept {
  Digest out;
  for (size_t i = 0; i < out.size(); ++i) out[i] = a[i] ^ b[i];
  return out;
}

}  // namespace remuda::wire
