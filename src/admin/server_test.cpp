#include "admin/server.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <future>
#include <mutex>
#include <string>
#include <thread>

#include "admin/test_views.hpp"
#include "base/ascii.hpp"

namespace fairing::admin {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// A blocking client; its reads end after ten seconds, so that a fault fails instead of hanging.
class client {
 public:
  explicit client(const std::string& address) {
    if (address.starts_with("unix:")) {
      sockaddr_un to{};
      to.sun_family = AF_UNIX;
      address.copy(to.sun_path, sizeof to.sun_path - 1, 5);
      open(reinterpret_cast<sockaddr*>(&to), sizeof to);
    } else {
      const auto colon = address.rfind(':');
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
      ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
      open(reinterpret_cast<sockaddr*>(&to), sizeof to);
    }
  }
  ~client() { ::close(fd_); }
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;  // the server may have refused already
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  // One answer, head and body; "" at the end of the connection.
  std::string answer(bool head_only = false) {
    for (;;) {
      const auto end = in_.find("\r\n\r\n");
      if (end != std::string::npos) {
        const auto at = in_.find("Content-Length: ");
        std::size_t length = 0;
        if (at < end && !head_only) length = std::stoul(in_.substr(at + 16));
        if (in_.size() >= end + 4 + length) {
          auto whole = in_.substr(0, end + 4 + length);
          in_.erase(0, whole.size());
          return whole;
        }
      }
      if (!read()) return {};
    }
  }
  bool at_end() { return in_.empty() && !read() && in_.empty(); }

 private:
  void open(const sockaddr* to, socklen_t size) {
    fd_ = ::socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval limit{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    EXPECT_EQ(::connect(fd_, to, size), 0);
  }
  bool read() {
    char block[4096];
    const auto n = ::recv(fd_, block, sizeof block, 0);
    EXPECT_FALSE(n < 0 && errno == EAGAIN) << "no answer within ten seconds";
    if (n <= 0) return false;
    in_.append(block, static_cast<std::size_t>(n));
    return true;
  }
  int fd_ = -1;
  std::string in_;
};

struct Server : testing::Test {
  void serve(admin_limits limits = {}, const std::string& listen = "127.0.0.1:0") {
    cores.start();
    auto opened = admin_server::open(cores, listen, views_over(seen), "s3cret", limits);
    ASSERT_TRUE(opened) << opened.error().message();
    server = std::move(*opened);
    server->start();
  }
  void TearDown() override {
    if (server) server->stop();
    cores.stop();
  }
  std::string request(const std::string& line, const std::string& more = "") const {
    return line + " HTTP/1.1\r\nHost: " + server->address() + "\r\n" + more + "\r\n";
  }
  net::core_group cores{2};
  asked seen;
  std::unique_ptr<admin_server> server;
};

TEST_F(Server, TheDashboardAndTheCommandLineAreNoScrape) {
  serve();
  client c(server->address());
  for (const auto* who : {"Sec-Fetch-Site: same-origin\r\n", "User-Agent: fairing/0.1.0\r\n"}) {
    c.send(request("GET /metrics", who));
    EXPECT_THAT(c.answer(), StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_FALSE(server->last_scrape()) << who;
  }
}

TEST_F(Server, KeepsConnectionsAndTellsTheLastScrape) {
  serve();
  EXPECT_FALSE(server->last_scrape());
  client c(server->address());
  c.send(request("GET /livez"));
  EXPECT_THAT(c.answer(), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(server->connections(), 1U);
  c.send(request("GET /metrics"));
  const auto metrics = c.answer();
  EXPECT_THAT(metrics, HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_THAT(metrics, HasSubstr("\r\n\r\nfairing_cache_bytes 7\n"));
  EXPECT_TRUE(server->last_scrape());
  c.send(request("HEAD /metrics"));
  EXPECT_THAT(c.answer(true), HasSubstr("Content-Length: 22\r\n"));
  c.send(request("GET /livez", "Connection: close\r\n"));
  EXPECT_THAT(c.answer(), HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(c.at_end());
}

TEST_F(Server, AnswersPipelinedRequestsInOrder) {
  serve();
  client c(server->address());
  const std::string body = R"({"tags":["a"]})";
  const auto purge = request("POST /v1/purge", "Authorization: Bearer s3cret\r\nContent-Length: " +
                                                   std::to_string(body.size()) + "\r\n");
  const auto chunked =
      request("POST /v1/purge", "Authorization: Bearer s3cret\r\nTransfer-Encoding: chunked\r\n");
  c.send(request("GET /v1/checklist") + purge + body + request("GET /nothing") + chunked +
         "5\r\n{\"tag\r\n9\r\ns\":[\"b\"]}\r\n0\r\n\r\n" + request("GET /livez"));
  EXPECT_THAT(c.answer(), HasSubstr(R"({"points":[]})"));
  EXPECT_THAT(c.answer(), HasSubstr(R"({"seq":42,"tiers":{"l1":"done"}})"));
  EXPECT_THAT(c.answer(), StartsWith("HTTP/1.1 404 Not Found\r\n"));
  EXPECT_THAT(c.answer(), HasSubstr(R"("seq":42)"));
  EXPECT_THAT(c.answer(), HasSubstr("\r\n\r\nok\n"));
  ASSERT_EQ(seen.purges.size(), 2U);
  EXPECT_EQ(seen.purges[1].tags.at(0), "b");
}

TEST_F(Server, ContinuesOnlyWhatItTakes) {
  serve();
  client c(server->address());
  const std::string expects = "Expect: 100-continue\r\nContent-Length: 2\r\n";
  c.send(request("POST /v1/drain", "Authorization: Bearer s3cret\r\n" + expects));
  EXPECT_EQ(c.answer(), "HTTP/1.1 100 Continue\r\n\r\n");
  c.send("{}");
  EXPECT_THAT(c.answer(), StartsWith("HTTP/1.1 202 Accepted\r\n"));
  c.send(request("POST /v1/drain", expects));
  const auto refused = c.answer();
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 401 Unauthorized\r\n"));
  EXPECT_THAT(refused, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(c.at_end());
}

TEST_F(Server, RefusesMalformedAndOversizedRequests) {
  serve();
  const std::string token = "Authorization: Bearer s3cret\r\n";
  const std::pair<std::string, const char*> cases[] = {
      {request("GET /livez", "A: " + std::string(9000, 'x') + "\r\n"), "HTTP/1.1 431 "},
      {request("GET /" + std::string(9000, 'x')), "HTTP/1.1 4"},
      {request("POST /v1/purge", token + "Content-Length: 1048577\r\n"), "HTTP/1.1 413 "},
      {request("POST /v1/purge", token + "Transfer-Encoding: chunked\r\n") + "100001\r\n" +
           std::string(0x100001, ' '),
       "HTTP/1.1 413 "},
      {request("POST /v1/purge", token + "Transfer-Encoding: chunked\r\n") + "zz\r\n",
       "HTTP/1.1 400 "},
      {request("POST /v1/purge", token + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"),
       "HTTP/1.1 400 "},
      {"GET /livez HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
      {"GET /livez HTTP/1.0\r\n\r\n", "HTTP/1.1 403 "},
      {"GET /livez HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", "HTTP/1.1 403 "},
      {"\x16\x03\x01\x02", "HTTP/1.1 400 "},
      {"GET / HTTP/2.0\r\nHost: localhost\r\n\r\n", "HTTP/1.1 505 "},
  };
  for (const auto& [bytes, status] : cases) {
    client c(server->address());
    c.send(bytes);
    const auto a = c.answer();
    EXPECT_THAT(a, StartsWith(status)) << bytes.substr(0, 100);
    EXPECT_THAT(a, HasSubstr("Content-Type: application/problem+json\r\n"));
    EXPECT_TRUE(c.at_end());
  }
}

TEST_F(Server, EndsSlowHeadsAndBodies) {
  serve({.head_timeout = milliseconds{1}, .body_timeout = milliseconds{1}});
  client slow_head(server->address());
  slow_head.send("GET /livez HTTP/1.1\r\nHo");
  EXPECT_THAT(slow_head.answer(), StartsWith("HTTP/1.1 408 Request Timeout\r\n"));
  EXPECT_TRUE(slow_head.at_end());
  client slow_body(server->address());
  slow_body.send(
      request("POST /v1/purge", "Authorization: Bearer s3cret\r\nContent-Length: 9\r\n") + "{");
  EXPECT_THAT(slow_body.answer(), StartsWith("HTTP/1.1 408 Request Timeout\r\n"));
}

TEST_F(Server, ClosesIdleConnectionsWithoutAWord) {
  serve({.idle_timeout = milliseconds{1}});
  client c(server->address());
  EXPECT_TRUE(c.at_end());
}

TEST_F(Server, RefusesConnectionsOverTheLimit) {
  serve({.connections = 1});
  client first(server->address());
  first.send(request("GET /livez"));
  EXPECT_THAT(first.answer(), StartsWith("HTTP/1.1 200 "));
  client second(server->address());
  second.send(request("GET /livez"));
  const auto a = second.answer();
  EXPECT_THAT(a, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_THAT(a, HasSubstr("Retry-After: 1\r\n"));
  EXPECT_TRUE(second.at_end());
}

TEST_F(Server, ServesUnixSockets) {
  std::string dir = testing::TempDir() + "/admin-sock-XXXXXX";
  ASSERT_NE(::mkdtemp(dir.data()), nullptr);
  serve({}, "unix:" + dir + "/admin.sock");
  client c(server->address());
  c.send("GET /livez HTTP/1.1\r\nHost: whatever\r\n\r\n");
  EXPECT_THAT(c.answer(), StartsWith("HTTP/1.1 200 OK\r\n"));
  c.send("POST /v1/drain HTTP/1.1\r\nHost: whatever\r\n\r\n");
  EXPECT_THAT(c.answer(), StartsWith("HTTP/1.1 401 "));
  server->stop();
  server.reset();
  EXPECT_EQ(::rmdir(dir.c_str()), 0) << "the socket is left behind";
}

TEST_F(Server, StopsWithConnectionsOpenAndAViewAtWork) {
  cores.start();
  auto views = views_over(seen);
  std::promise<void> entered;
  std::promise<void> release;
  views.checklist = [&] {
    entered.set_value();
    release.get_future().wait();
    return std::string("{}");
  };
  auto opened = admin_server::open(cores, "127.0.0.1:0", std::move(views), "s3cret");
  ASSERT_TRUE(opened) << opened.error().message();
  server = std::move(*opened);
  server->start();
  client idle(server->address());
  idle.send(request("GET /livez"));
  EXPECT_THAT(idle.answer(), StartsWith("HTTP/1.1 200 "));
  client busy(server->address());
  busy.send(request("GET /v1/checklist"));
  entered.get_future().wait();
  idle.send(request("GET /readyz"));  // not behind what blocks
  EXPECT_THAT(idle.answer(), StartsWith("HTTP/1.1 200 "));
  auto stopped = std::async(std::launch::async, [this] { server->stop(); });
  EXPECT_TRUE(idle.at_end());
  release.set_value();
  stopped.get();
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(Server, WhatWaitsForLongHoldsUpNobody) {
  cores.start();
  auto views = views_over(seen);
  std::mutex mutex;
  std::vector<answer_later> waiting;
  const auto parked = [&] {
    const std::lock_guard lock(mutex);
    return waiting.size();
  };
  views.jobs = [&](const admin::request& r, answer_later done) -> std::optional<response> {
    if (r.query.empty()) return response{.body = "at once\n"};
    const std::lock_guard lock(mutex);
    waiting.push_back(std::move(done));
    return std::nullopt;
  };
  auto opened = admin_server::open(cores, "127.0.0.1:0", std::move(views), "s3cret");
  ASSERT_TRUE(opened) << opened.error().message();
  server = std::move(*opened);
  server->start();
  std::vector<std::unique_ptr<client>> polls;
  for (std::size_t n = 1; n <= 100; ++n) {
    polls.push_back(std::make_unique<client>(server->address()));
    polls.back()->send(request("GET /v1/jobs/0000000000001?wait=60"));
    while (n == 1 && parked() == 0) std::this_thread::yield();  // it is the first
  }
  while (parked() < polls.size()) std::this_thread::yield();
  client other(server->address());
  for (const auto* path : {"GET /metrics", "GET /v1/queues", "GET /v1/checklist"}) {
    other.send(request(path));
    EXPECT_THAT(other.answer(), StartsWith("HTTP/1.1 200 ")) << path;
  }
  other.send(request("POST /v1/queues/a/pause?x"));
  EXPECT_THAT(other.answer(), StartsWith("HTTP/1.1 401 ")) << "who may ask is the same";
  waiting.front()(response{.body = "changed\n"});
  EXPECT_THAT(polls.front()->answer(), HasSubstr("\r\n\r\nchanged\n"));
  server->stop();
  EXPECT_EQ(server->connections(), 0U);
  waiting.back()(response{.body = "nobody hears it\n"});
}

TEST_F(Server, OpenSaysWhatIsWrong) {
  auto views = views_over(seen);
  views.reload = nullptr;
  const auto unwired = admin_server::open(cores, "127.0.0.1:0", views, "t");
  ASSERT_FALSE(unwired);
  EXPECT_EQ(unwired.error().code, errc::missing_view);
  EXPECT_THAT(unwired.error().message(), HasSubstr("`reload`"));
  const auto nowhere = admin_server::open(cores, "nowhere:x", views_over(seen), "t");
  ASSERT_FALSE(nowhere);
}

}  // namespace
}  // namespace fairing::admin
