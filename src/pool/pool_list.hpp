// pool_list: a doubly linked list through the nodes themselves, owned by nobody.
//
// Problem: the pool orders servers and waiters that the session layer owns, and must not allocate
// to do so. A node is in at most one list at a time.
//
// Flow:  struct item { item* next_ = nullptr; item* prev_ = nullptr; };
//        pool_list<item> l; l.push_back(a); l.front(); l.remove(a);
// Lifecycle: a node is removed before it is destroyed.
// Threads: one. Cost: a few stores each.
#pragma once

#include <cstdint>

namespace fairing::pool {

template <class Node>
class pool_list {
 public:
  pool_list() = default;
  pool_list(const pool_list&) = delete;
  pool_list& operator=(const pool_list&) = delete;

  [[nodiscard]] bool empty() const noexcept { return head_ == nullptr; }
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] Node* front() const noexcept { return head_; }
  [[nodiscard]] Node* back() const noexcept { return tail_; }
  [[nodiscard]] static Node* after(const Node& n) noexcept { return n.next_; }
  [[nodiscard]] static Node* before(const Node& n) noexcept { return n.prev_; }

  void push_back(Node& n) noexcept {
    n.prev_ = tail_;
    n.next_ = nullptr;
    (tail_ == nullptr ? head_ : tail_->next_) = &n;
    tail_ = &n;
    ++size_;
  }
  void push_front(Node& n) noexcept {
    n.prev_ = nullptr;
    n.next_ = head_;
    (head_ == nullptr ? tail_ : head_->prev_) = &n;
    head_ = &n;
    ++size_;
  }
  void remove(Node& n) noexcept {
    (n.prev_ == nullptr ? head_ : n.prev_->next_) = n.next_;
    (n.next_ == nullptr ? tail_ : n.next_->prev_) = n.prev_;
    n.next_ = n.prev_ = nullptr;
    --size_;
  }

 private:
  Node* head_ = nullptr;
  Node* tail_ = nullptr;
  std::uint32_t size_ = 0;
};

}  // namespace fairing::pool
