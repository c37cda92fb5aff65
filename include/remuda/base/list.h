// An intrusive doubly linked list: no allocation, O(1) removal of a known element, known size.
// An element derives from ListHook<Tag> once per list it can be in; it must leave the list before
// it dies. Neither list nor hook can be copied or moved. One thread.
#pragma once

#include <cstddef>

#include "remuda/base/error.h"

namespace remuda {

template <class Tag>
class ListHook {
 public:
  ListHook() = default;
  ListHook(const ListHook&) = delete;
  ListHook& operator=(const ListHook&) = delete;
  ~ListHook() { REMUDA_CHECK(next_ == nullptr); }
  bool is_linked() const noexcept { return next_ != nullptr; }

 private:
  template <class, class>
  friend class List;
  ListHook* prev_ = nullptr;
  ListHook* next_ = nullptr;
};

template <class T, class Tag>
class List {
  using Hook = ListHook<Tag>;

 public:
  class iterator {
   public:
    explicit iterator(Hook* at) : at_(at) {}
    T& operator*() const { return *static_cast<T*>(at_); }
    T* operator->() const { return static_cast<T*>(at_); }
    iterator& operator++() {
      at_ = at_->next_;
      return *this;
    }
    bool operator==(const iterator& other) const { return at_ == other.at_; }

   private:
    Hook* at_;
  };

  List() { root_.prev_ = root_.next_ = &root_; }
  ~List() {
    REMUDA_CHECK(empty());
    root_.prev_ = root_.next_ = nullptr;
  }
  List(const List&) = delete;
  List& operator=(const List&) = delete;

  bool empty() const noexcept { return root_.next_ == &root_; }
  size_t size() const noexcept { return size_; }
  T& front() { return *static_cast<T*>(root_.next_); }
  T& back() { return *static_cast<T*>(root_.prev_); }
  void push_back(T& element) { insert(element, root_.prev_, &root_); }
  void push_front(T& element) { insert(element, &root_, root_.next_); }

  void erase(T& element) {
    Hook& hook = element;
    REMUDA_CHECK(hook.next_ != nullptr);
    hook.prev_->next_ = hook.next_;
    hook.next_->prev_ = hook.prev_;
    hook.prev_ = hook.next_ = nullptr;
    --size_;
  }

  // Removal of the current element while iterating: advance first.
  iterator begin() { return iterator(root_.next_); }
  iterator end() { return iterator(&root_); }

 private:
  void insert(T& element, Hook* before, Hook* after) {
    Hook& hook = element;
    REMUDA_CHECK(hook.next_ == nullptr);
    hook.prev_ = before;
    hook.next_ = after;
    before->next_ = &hook;
    after->prev_ = &hook;
    ++size_;
  }

  Hook root_;
  size_t size_ = 0;
};

}  // namespace remuda
