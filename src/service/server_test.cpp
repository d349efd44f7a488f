// What a body costs until its request is answered.
#include "service/server.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mutex>
#include <string>
#include <thread>

namespace fairing::service {
namespace {

// Answers when it is told to.
class parking final : public handler {
 public:
  std::optional<response> admit(const request&) override { return std::nullopt; }
  std::optional<response> serve(const request& r) override {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(r.id);
    return std::nullopt;
  }
  [[nodiscard]] response refuse(fault, std::string_view detail) const override {
    return {.status = 503, .body = std::string(detail)};
  }
  // The oldest that waits.
  ticket next() {
    for (;;) {
      {
        const std::lock_guard lock(mutex_);
        if (!waiting_.empty()) {
          const auto id = waiting_.front();
          waiting_.erase(waiting_.begin());
          return id;
        }
      }
      std::this_thread::yield();
    }
  }

 private:
  std::mutex mutex_;
  std::vector<ticket> waiting_;
};

class client {
 public:
  explicit client(const std::string& address) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port =
        htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval limit{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  }
  ~client() { ::close(fd_); }
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  void put(std::size_t bytes, bool chunked) {
    const std::string body(bytes, 'x');
    std::string all = "POST / HTTP/1.1\r\nHost: a\r\n";
    char size[32];
    ::snprintf(size, sizeof size, "%zx\r\n", bytes);
    if (chunked)
      all += "Transfer-Encoding: chunked\r\n\r\n" + std::string(size) + body + "\r\n0\r\n\r\n";
    else
      all += "Content-Length: " + std::to_string(bytes) + "\r\n\r\n" + body;
    for (std::string_view left = all; !left.empty();) {
      const auto n = ::send(fd_, left.data(), left.size(), MSG_NOSIGNAL);
      if (n <= 0) return;  // it may have been refused already
      left.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  std::string status() {
    char line[12];
    const auto n = ::recv(fd_, line, sizeof line, MSG_WAITALL);
    return n == sizeof line ? std::string(line + 9, 3) : std::string();
  }

 private:
  int fd_;
};

TEST(Server, ABodyCountsUntilItsRequestIsAnswered) {
  net::core_group cores{1};
  cores.start();
  parking held;
  auto opened = server::open(cores, "127.0.0.1:0", {.held_bytes = 150'000});
  ASSERT_TRUE(opened) << opened.error().message();
  auto& s = **opened;
  s.start(held);
  for (const bool chunked : {false, true}) {
    SCOPED_TRACE(chunked ? "chunked" : "by length");
    client first(s.address());
    first.put(100'000, chunked);
    const auto id = held.next();
    client second(s.address());
    second.put(100'000, chunked);
    EXPECT_EQ(second.status(), "503") << "the first one is still in memory";
    client small(s.address());
    small.put(1'000, chunked);
    const auto small_id = held.next();
    cores.at(0).post([&s, id, small_id] {
      EXPECT_TRUE(s.answer(id, {.status = 200}));
      EXPECT_TRUE(s.answer(small_id, {.status = 200}));
    });
    EXPECT_EQ(first.status(), "200");
    EXPECT_EQ(small.status(), "200");
    client third(s.address());
    third.put(100'000, chunked);
    cores.at(0).post([&s, next = held.next()] { EXPECT_TRUE(s.answer(next, {.status = 200})); });
    EXPECT_EQ(third.status(), "200");
  }
  s.stop();
  cores.stop();
}

}  // namespace
}  // namespace fairing::service
