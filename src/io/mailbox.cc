#include "io/mailbox.h"

#include "io/guard.h"
#include "io/loop.h"

namespace remuda::io {

Mailbox::Mailbox(Loop& loop)
    : async_(make_uv<uv_async_t>("uv_async_init()", [&loop](uv_async_t* async) {
        return uv_async_init(loop.raw(), async, [](uv_async_t* rung) {
          // No owner any more: closed while the bell was on its way.
          auto* mailbox = static_cast<Mailbox*>(rung->data);
          if (mailbox != nullptr) guarded([mailbox] { mailbox->read_all(); });
        });
      })) {
  async_->data = this;
}

Mailbox::~Mailbox() {
  close();
}

bool Mailbox::post_letter(std::unique_ptr<Letter> letter) {
  // A refused letter is destroyed after the lock is gone: its end may well post another.
  const std::lock_guard lock(mutex_);
  if (!open_) return false;
  letters_.push_back(std::move(letter));
  if (letters_.size() == 1) uv_async_send(async_.get());
  return true;
}

void Mailbox::read_all() {
  Letters arrived;
  {
    const std::lock_guard lock(mutex_);
    arrived.swap(letters_);
  }
  for (auto& letter : arrived) {
    if (!async_) return;  // the last letter closed the mailbox
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
  async_.reset();
}

}  // namespace remuda::io
