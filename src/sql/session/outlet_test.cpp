// On a core: while a turn has more sockets to serve, small answers are held, and stay in order with all else.
#include "sql/session/outlet.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <future>
#include <string>

namespace fairing::sql {
namespace {

TEST(outlet, a_turn_that_has_more_to_serve_holds_small_answers) {
  std::array<int, 2> in{}, more{}, out{};
  for (auto* pair : {&in, &more, &out})
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair->data()), 0);
  net::core_group cores{1};
  auto& core = cores.at(0);
  write_scratch scratch;
  core.every_turn_end([&] { scratch.send_held(); });
  net::stream first(core, net::socket(in[0])), second(core, net::socket(more[0])),
      to(core, net::socket(out[0]));
  outlet o(core);
  o.open(to);
  const auto got = [&] {
    std::string bytes(16 * 1024, '\0');
    const auto n = ::recv(out[1], bytes.data(), bytes.size(), MSG_DONTWAIT);
    return bytes.substr(0, n > 0 ? static_cast<std::size_t>(n) : 0);
  };
  const auto put = [&](std::string_view bytes) {
    out_batch batch;
    batch.borrow(bytes);
    o.put(batch, scratch, sending::with_others);
  };
  std::promise<void> ended;
  const std::string large(5000, 'x');
  cores.start();
  core.post([&] {
    net::spawn([](net::stream& s) -> net::task<void> {
      char c = 0;
      (void)co_await s.read_some({&c, 1});
    }(second));
    net::spawn([](net::stream& s, auto& g, auto& p, outlet& to_client, net::core& home,
                  const std::string& big, std::promise<void>& end) -> net::task<void> {
      char c = 0;
      (void)co_await s.read_some({&c, 1});
      EXPECT_TRUE(home.reactor().has_more());
      p("a");
      p("b");
      EXPECT_EQ(g(), "");
      to_client.settle();
      EXPECT_EQ(g(), "ab");
      p("c");
      to_client.put("d");
      EXPECT_EQ(g(), "cd");
      p("e");
      p(big);
      EXPECT_EQ(g(), "e" + big) << "in order";
      p("f");
      EXPECT_EQ(g(), "");
      home.post([&] { end.set_value(); });
    }(first, got, put, o, core, large, ended));
    // The core is kept here until both are ready.
    (void)!::write(in[1], "1", 1);
    (void)!::write(more[1], "1", 1);
  });
  ended.get_future().wait();
  pollfd p{.fd = out[1], .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&p, 1, 10'000), 1);
  EXPECT_EQ(got(), "f") << "at the end of the turn";
  cores.stop();
  for (const int fd : {in[1], more[1], out[1]}) ::close(fd);
}

TEST(outlet, to_each_goes_one_write_of_all_that_is_held_for_it) {
  std::array<int, 2> a{}, b{};
  for (auto* pair : {&a, &b})  // of packets: one is one write
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair->data()), 0);
  net::core_group cores{1};
  auto& core = cores.at(0);
  write_scratch scratch;
  core.every_turn_end([&] { scratch.send_held(); });
  net::stream to_a(core, net::socket(a[0])), to_b(core, net::socket(b[0]));
  outlet first(core), second(core);
  first.open(to_a);
  second.open(to_b);
  std::promise<void> ended;
  cores.start();
  core.post([&] {
    for (int n = 0; n < 40; ++n) {  // more than are held
      out_batch batch;
      batch.own() = "a" + std::to_string(n) + ' ';
      first.put(batch, scratch, sending::at_turn_end);
      batch.own() = "b" + std::to_string(n) + ' ';
      second.put(batch, scratch, sending::at_turn_end);
    }
    core.post([&] { ended.set_value(); });
  });
  ended.get_future().wait();
  cores.stop();
  const auto got = [](int fd, std::size_t& writes) {
    std::string all, bytes(16 * 1024, '\0');
    for (ssize_t n = 0; (n = ::recv(fd, bytes.data(), bytes.size(), MSG_DONTWAIT)) > 0; ++writes)
      all += bytes.substr(0, static_cast<std::size_t>(n));
    return all;
  };
  std::string expected_a, expected_b;
  for (int n = 0; n < 40; ++n) {
    expected_a += "a" + std::to_string(n) + ' ';
    expected_b += "b" + std::to_string(n) + ' ';
  }
  std::size_t writes_a = 0, writes_b = 0;
  EXPECT_EQ(got(a[1], writes_a), expected_a) << "in order";
  EXPECT_EQ(got(b[1], writes_b), expected_b);
  EXPECT_LE(writes_a, 4U);
  EXPECT_LE(writes_b, 4U);
  for (const int fd : {a[1], b[1]}) ::close(fd);
}

}  // namespace
}  // namespace fairing::sql
