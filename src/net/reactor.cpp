#include "net/reactor.hpp"

#include <unistd.h>

#include <boost/asio/post.hpp>

#include "base/assert.hpp"

namespace fairing::net {

reactor::reactor(boost::asio::io_context& context) : epoll_(context.get_executor()) {
  const int fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) FAIRING_PANIC("epoll_create1 failed: no event loop without it");
  epoll_.assign(fd);
}

bool reactor::add(watched& w, int fd) noexcept {
  epoll_event e{};
  e.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  e.data.ptr = &w;
  return ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, fd, &e) == 0;
}

void reactor::remove(watched& w, int fd) noexcept {
  ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_DEL, fd, nullptr);
  for (int i = next_; i < count_; ++i)
    if (events_[i].data.ptr == &w) events_[i].data.ptr = nullptr;
  for (auto* list : {&again_, &serving_})
    for (auto& each : *list)
      if (each == &w) each = nullptr;
}

void reactor::again(watched& w) {
  if (again_.empty()) boost::asio::post(epoll_.get_executor(), [this] { serve_again(); });
  again_.push_back(&w);
}

void reactor::serve_again() {
  ++turn_;
  serving_.swap(again_);
  for (std::size_t i = 0; i < serving_.size(); ++i)
    if (serving_[i]) serving_[i]->on_ready(0);
  serving_.clear();
}

void reactor::arm() {
  epoll_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                    [this](const boost::system::error_code& ec) {
                      if (ec) return;
                      serve();
                      arm();
                    });
}

void reactor::serve() {
  ++turn_;
  count_ = ::epoll_wait(epoll_.native_handle(), events_, batch, 0);
  for (next_ = 0; next_ < count_;) {
    const auto& e = events_[next_++];
    if (e.data.ptr) static_cast<watched*>(e.data.ptr)->on_ready(e.events);
  }
  count_ = 0;
}

}  // namespace fairing::net
