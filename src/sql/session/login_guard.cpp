#include "sql/session/login_guard.hpp"

#include "net/alarm.hpp"
#include "net/event.hpp"

namespace fairing::sql {

namespace {
constexpr milliseconds look_again{250};  // only while somebody guesses are there no places
}  // namespace

net::task<bool> login_place::take(net::core& c, mono_time by) {
  while (!taken_) {
    taken_ = guard_.enter();
    if (taken_) break;
    if (fairing::now().mono >= by) co_return false;
    net::event later(c);
    const net::alarm bell(c, later.make_waker(), fairing::now().mono + look_again);
    co_await later.wait();
  }
  co_return true;
}

}  // namespace fairing::sql
