// dialer: look-ups that hang, fail and come back late. The program's own getaddrinfo stands in for the name server:
// names under `.held` are answered when the test says so.
#include "net/dialer.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace {

// What the name server will say, and how often it was asked.
struct name_server {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  bool fails = false;
  std::atomic<int> asked{0};

  void hold() {
    std::lock_guard lock(mutex);
    open = fails = false;
    asked = 0;
  }
  void release(bool failing = false) {
    std::lock_guard lock(mutex);
    open = true;
    fails = failing;
    changed.notify_all();
  }
  int answer(const char* port, addrinfo** out) {
    ++asked;
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return open; });
    if (fails) return EAI_NONAME;
    auto* info = static_cast<addrinfo*>(std::calloc(1, sizeof(addrinfo) + sizeof(sockaddr_in)));
    auto* address = reinterpret_cast<sockaddr_in*>(info + 1);
    address->sin_family = AF_INET;
    address->sin_port = htons(static_cast<std::uint16_t>(std::strtoul(port, nullptr, 10)));
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    info->ai_family = AF_INET;
    info->ai_socktype = SOCK_STREAM;
    info->ai_addrlen = sizeof(sockaddr_in);
    info->ai_addr = reinterpret_cast<sockaddr*>(address);
    *out = info;
    return 0;
  }
};
name_server names;

}  // namespace

extern "C" int getaddrinfo(const char* host, const char* port, const addrinfo*, addrinfo** out) {
  if (!host || !std::string_view(host).ends_with(".held")) return EAI_NONAME;
  return names.answer(port, out);
}
extern "C" void freeaddrinfo(addrinfo* info) noexcept { std::free(info); }

namespace fairing::net {
namespace {

// A listening socket of the loopback address; nobody need accept.
struct listening {
  listening() : fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&at), size), 0);
    EXPECT_EQ(::listen(fd, 16), 0);
    EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size), 0);
    port = ntohs(at.sin_port);
  }
  ~listening() { ::close(fd); }
  int fd;
  std::uint16_t port = 0;
};

// What came of a dial. The connection itself belongs to its core and goes there.
struct outcome {
  dial_fault fault;
  std::string detail;
  bool connected;
};

struct dialer : testing::Test {
  dialer() {
    names.hold();
    cores.start();
  }
  ~dialer() override {
    names.release();  // the resolver's thread must end before the core does
    on_core([this] { cache.reset(); });
    cores.stop();
  }
  template <class F>
  void on_core(F f) {
    std::promise<void> done;
    home().post([&] {
      f();
      done.set_value();
    });
    done.get_future().get();
  }
  // Starts a dial on the core; its result comes later.
  std::future<outcome> dial_within(milliseconds limit, const char* host = "backend.held") {
    auto result = std::make_shared<std::promise<outcome>>();
    auto future = result->get_future();
    home().post([this, limit, host, result] {
      spawn([](dialer* self, milliseconds l, const char* name,
               std::shared_ptr<std::promise<outcome>> out) -> task<void> {
        const dial_target target{
            .host = name, .port = self->server.port, .unix_path = {}, .tls = {}};
        auto r = co_await dial(self->home(), target, *self->cache, now().mono + l);
        const bool connected = r.connection != nullptr;
        r.connection.reset();
        out->set_value({r.fault, std::move(r.detail), connected});
      }(this, limit, host, result));
    });
    return future;
  }
  core& home() { return cores.at(0); }
  listening server;
  core_group cores{1};
  std::unique_ptr<resolver_cache> cache = std::make_unique<resolver_cache>();
};

constexpr milliseconds brief{1};
constexpr milliseconds ample{20'000};

TEST_F(dialer, a_look_up_that_hangs_ends_at_the_deadline) {
  const auto r = dial_within(brief).get();
  EXPECT_EQ(r.fault, dial_fault::timeout);
  EXPECT_FALSE(r.connected);
  EXPECT_EQ(r.detail, "looking up backend.held timed out: timeouts.connect counts from there");
}

TEST_F(dialer, callers_share_one_look_up_and_each_has_its_own_deadline) {
  auto patient = dial_within(ample);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(dial_within(brief).get().fault, dial_fault::timeout);
  names.release();
  const auto r = patient.get();
  EXPECT_EQ(r.fault, dial_fault::none) << r.detail;
  EXPECT_TRUE(r.connected);
  EXPECT_EQ(names.asked, 1);
}

TEST_F(dialer, what_is_found_too_late_serves_the_next_caller) {
  EXPECT_EQ(dial_within(brief).get().fault, dial_fault::timeout);
  names.release();
  const auto r = dial_within(ample).get();
  EXPECT_EQ(r.fault, dial_fault::none) << r.detail;
  EXPECT_EQ(names.asked, 1);
}

TEST_F(dialer, a_name_without_an_address_fails_and_is_asked_for_again) {
  auto first = dial_within(ample);
  names.release(true);
  auto r = first.get();
  EXPECT_EQ(r.fault, dial_fault::resolve);
  EXPECT_TRUE(r.detail.starts_with("cannot find backend.held: ")) << r.detail;
  names.release();
  r = dial_within(ample).get();
  EXPECT_EQ(r.fault, dial_fault::none) << r.detail;
  EXPECT_EQ(names.asked, 2);
}

TEST_F(dialer, a_cache_may_go_while_its_look_up_runs) {
  EXPECT_EQ(dial_within(brief).get().fault, dial_fault::timeout);
  on_core([this] { cache = std::make_unique<resolver_cache>(); });
  names.release();
  EXPECT_EQ(dial_within(ample).get().fault, dial_fault::none);
  EXPECT_EQ(names.asked, 2);
}

TEST_F(dialer, an_old_address_is_used_while_a_new_look_up_hangs) {
  names.release();
  EXPECT_EQ(dial_within(ample).get().fault, dial_fault::none);
  names.hold();
  // Later than resolve_ttl, by the argument: the look-up is due again.
  std::promise<std::error_code> said;
  home().post([&] {
    spawn([](dialer* self, std::promise<std::error_code>& out) -> task<void> {
      const dial_target target{
          .host = "backend.held", .port = self->server.port, .unix_path = {}, .tls = {}};
      const auto later = now().mono + seconds{31};
      auto ec = co_await self->cache->resolve(self->home(), target, later, later - seconds{62});
      out.set_value(ec);
    }(this, said));
  });
  EXPECT_FALSE(said.get_future().get());
  on_core([this] { EXPECT_EQ(cache->size(), 1u); });
}

}  // namespace
}  // namespace fairing::net
