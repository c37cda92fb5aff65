#include "io/mailbox.h"

#include "io/loop.h"

namespace remuda::io {

Mailbox::Mailbox(Loop& loop) : bell_(loop, [this] { read_all(); }) {}

Mailbox::~Mailbox() {
  close();
}

bool Mailbox::post_letter(std::unique_ptr<Letter> letter) {
  // A refused letter is destroyed after the lock is gone: its end may well post another.
  bool is_first = false;
  {
    const std::lock_guard lock(mutex_);
    if (!open_) return false;
    letters_.push_back(std::move(letter));
    is_first = letters_.size() == 1;
  }
  // Not under the lock, which the loop wants as soon as it wakes.
  if (is_first) bell_.ring();
  return true;
}

void Mailbox::read_all() {
  Letters arrived;
  {
    const std::lock_guard lock(mutex_);
    arrived.swap(letters_);
  }
  for (auto& letter : arrived) {
    if (!bell_.is_open()) return;  // the last letter closed the mailbox
    letter->read();
    letter.reset();
  }
}

void Mailbox::close() noexcept {
  Letters unread;
  {
    const std::lock_guard lock(mutex_);
    open_ = false;
    unread.swap(letters_);
  }
  bell_.close();
}

}  // namespace remuda::io
