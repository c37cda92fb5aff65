// The simulated clock and what is due: a heap of four branches, ordered by time and then by order
// of entry, so that a run is repeatable. Times are microseconds. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace remuda::bench::model {

class Actor {
 public:
  // What the actor asked for is due now; `what` and `which` are its own words for it.
  virtual void on_time(uint32_t what, uint32_t which) = 0;

 protected:
  ~Actor() = default;
};

class Agenda {
 public:
  double now() const noexcept { return now_; }
  uint64_t steps() const noexcept { return steps_; }

  void after(double delay, Actor& actor, uint32_t what, uint32_t which = 0) {
    heap_.push_back({now_ + delay, entered_++, &actor, what, which});
    rise(heap_.size() - 1);
  }

  // Does what is due next; false if there is nothing.
  bool step() {
    if (heap_.empty()) return false;
    const Entry next = heap_.front();
    heap_.front() = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) sink();
    now_ = next.at;
    ++steps_;
    next.actor->on_time(next.what, next.which);
    return true;
  }

 private:
  struct Entry {
    double at;
    uint64_t order;
    Actor* actor;
    uint32_t what;
    uint32_t which;

    bool is_before(const Entry& other) const noexcept {
      return at != other.at ? at < other.at : order < other.order;
    }
  };

  void rise(size_t place) noexcept {
    const Entry entry = heap_[place];
    while (place > 0) {
      const size_t parent = (place - 1) / 4;
      if (!entry.is_before(heap_[parent])) break;
      heap_[place] = heap_[parent];
      place = parent;
    }
    heap_[place] = entry;
  }

  void sink() noexcept {
    const Entry entry = heap_.front();
    size_t place = 0;
    for (size_t child = 1; child < heap_.size(); child = place * 4 + 1) {
      size_t least = child;
      const size_t end = child + 4 < heap_.size() ? child + 4 : heap_.size();
      for (size_t i = child + 1; i < end; ++i) {
        if (heap_[i].is_before(heap_[least])) least = i;
      }
      if (!heap_[least].is_before(entry)) break;
      heap_[place] = heap_[least];
      place = least;
    }
    heap_[place] = entry;
  }

  std::vector<Entry> heap_;
  double now_ = 0;
  uint64_t entered_ = 0;
  uint64_t steps_ = 0;
};

}  // namespace remuda::bench::model
