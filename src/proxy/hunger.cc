#include "proxy/hunger.h"

#include <bit>

namespace remuda::proxy {

bool Hunger::state(int worker, Micros head) noexcept {
  heads_[static_cast<size_t>(worker)].store(head);
  if (is_stated_by(worker)) return false;
  return (mask_.fetch_or(bit(worker)) & bit(worker)) == 0;
}

void Hunger::withdraw(int worker) noexcept {
  if (is_stated_by(worker)) mask_.fetch_and(~bit(worker));
}

Micros Hunger::oldest_head() const noexcept {
  Micros oldest = 0;
  for (uint64_t left = mask_.load(); left != 0; left &= left - 1) {
    const Micros head = heads_[static_cast<size_t>(std::countr_zero(left))].load();
    if (oldest == 0 || head < oldest) oldest = head;
  }
  return oldest;
}

std::optional<int> Hunger::claim(int lender, Micros own_head, Micros now) noexcept {
  while (true) {
    const uint64_t others = mask_.load() & ~bit(lender);
    if (others == 0) return std::nullopt;
    int oldest = -1;
    Micros oldest_head = 0;
    for (uint64_t left = others; left != 0; left &= left - 1) {
      const int worker = std::countr_zero(left);
      const Micros head = heads_[static_cast<size_t>(worker)].load();
      if (oldest >= 0 && head >= oldest_head) continue;
      oldest = worker;
      oldest_head = head;
    }
    const Micros margin = kPatience + (now - own_head) / kShare;
    if (own_head != 0 && oldest_head + margin >= own_head) return std::nullopt;
    if ((mask_.fetch_and(~bit(oldest)) & bit(oldest)) != 0) return oldest;
  }
}

}  // namespace remuda::proxy
