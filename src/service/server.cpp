#include "service/server.hpp"

#include <latch>

#include "service/session.hpp"

namespace fairing::service {

result<std::unique_ptr<server>> server::open(net::core_group& cores, const std::string& listen,
                                             const limits& l) {
  auto listener = net::listener::open(cores, listen);
  if (!listener) return std::unexpected(listener.error());
  return std::unique_ptr<server>(new server(cores, std::move(*listener), l));
}

server::server(net::core_group& cores, std::unique_ptr<net::listener> listener, const limits& l)
    : cores_(cores),
      listener_(std::move(listener)),
      limits_(l),
      parts_(cores.size()),
      body_limit_(l.body_bytes) {}

server::~server() { stop(); }

void server::start(handler& h) {
  handler_ = &h;
  std::string refusal;
  append_response(refusal, h.refuse(fault::overloaded, "this process is out of file descriptors"),
                  {.keep_alive = false, .now = now().wall});
  listener_->start([this](net::core& c, net::socket s) { accept(c, std::move(s)); },
                   std::move(refusal));
}

void server::accept(net::core& c, net::socket s) {
  if (stopping_.load()) return;
  const bool room = open_.fetch_add(1) < limits_.connections;
  session::start(*this, c, std::move(s), room);
}

void server::on_each_core(const std::function<void(session&)>& f) {
  std::latch told(static_cast<std::ptrdiff_t>(cores_.size()));
  for (std::uint32_t i = 0; i < cores_.size(); ++i)
    cores_.at(i).post([this, i, &f, &told] {
      for (std::size_t at = 0; at < parts_[i].slots.size(); ++at)
        if (auto* s = parts_[i].slots[at].owner) f(*s);
      told.count_down();
    });
  told.wait();
}

void server::begin_drain() {
  if (handler_ == nullptr || draining_.exchange(true)) return;
  listener_->stop();
  on_each_core([](session& s) { s.begin_drain(); });
}

void server::stop() {
  if (handler_ == nullptr || stopping_.exchange(true)) return;
  if (!draining_.exchange(true)) listener_->stop();
  on_each_core([](session& s) { s.abort(); });
  std::unique_lock lock(mutex_);
  none_left_.wait(lock, [this] { return open_.load() == 0; });
}

void server::ended() noexcept {
  const std::lock_guard lock(mutex_);  // stop() cannot see zero and go before this has returned
  if (open_.fetch_sub(1) == 1) none_left_.notify_all();
}

bool server::hold(std::size_t bytes) noexcept {
  if (held_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= limits_.held_bytes) return true;
  let_go(bytes);
  return false;
}

bool server::answer(const ticket& id, const response& r) {
  auto& slots = parts_[id.core].slots;
  if (id.slot >= slots.size()) return false;
  auto& s = slots[id.slot];
  if (s.owner == nullptr || s.serial != id.serial) return false;
  return s.owner->answered(r);
}

}  // namespace fairing::service
