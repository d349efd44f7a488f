#include "codec/pgwire/frame_scanner.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "codec/pgwire/message_collector.hpp"
#include "codec/pgwire/server_writer.hpp"

namespace fairing::codec::pgwire {
namespace {

using namespace std::string_literals;

const std::string ready = "Z\0\0\0\5I"s;

std::string message(char type, std::uint32_t length, const std::string& body) {
  std::string out(5, type);
  store_u32(out.data() + 1, length);
  return out + body;
}
std::string message(char type, const std::string& body) {
  return message(type, static_cast<std::uint32_t>(body.size() + 4), body);
}

errc fault_of(direction d, const std::string& bytes) {
  frame_scanner whole(d);
  const auto p = whole.scan(bytes);
  EXPECT_EQ(p.error, whole.error());
  frame_scanner split(d);
  std::size_t at = 0;
  while (at < bytes.size()) {
    const auto q = split.scan(std::string_view(bytes).substr(at, 1));
    if (q.error != errc::ok) break;
    EXPECT_EQ(q.consumed, 1U);
    ++at;
  }
  EXPECT_EQ(split.error(), whole.error());
  return whole.error();
}
errc server_fault(const std::string& bytes) { return fault_of(direction::from_server, bytes); }
errc client_fault(const std::string& bytes) { return fault_of(direction::from_client, bytes); }

TEST(frame_scanner, counts_what_passed) {
  const auto row = message('D', "\0\1\0\0\0\1x"s);
  const auto bytes = message('T', "\0\0"s) + row + row + row + message('C', "SELECT 3\0"s) +
                     "Z\0\0\0\5T"s + message('D', "\0\1\0\0\0\4abcd"s).substr(0, 9);
  frame_scanner scanner(direction::from_server);
  auto p = scanner.scan(bytes);
  EXPECT_EQ(p.error, errc::ok);
  EXPECT_EQ(p.consumed, bytes.size());
  EXPECT_EQ(p.complete_bytes, bytes.size() - 9);
  EXPECT_EQ(p.messages, 6U);
  EXPECT_EQ(p.data_rows, 3U);
  EXPECT_EQ(p.ready, 1U);
  EXPECT_EQ(p.status, transaction_status::in_transaction);
  EXPECT_EQ(p.types, (type_set{server_type::row_description, server_type::data_row,
                               server_type::command_complete, server_type::ready_for_query}));
  EXPECT_FALSE(scanner.at_boundary());
  EXPECT_EQ(scanner.open_type(), 'D');
  EXPECT_EQ(scanner.open_bytes(), 6U);

  p = scanner.scan("abcd");
  EXPECT_EQ(p.complete_bytes, 0U);
  EXPECT_EQ(p.messages, 0U);
  p = scanner.scan("ef" + ready);
  EXPECT_EQ(p.data_rows, 1U);
  EXPECT_EQ(p.ready, 1U);
  EXPECT_EQ(p.status, transaction_status::idle);
  EXPECT_EQ(p.complete_bytes, 2 + ready.size());
  EXPECT_TRUE(scanner.at_boundary());
  EXPECT_EQ(scanner.open_type(), '\0');
}

TEST(frame_scanner, stops_before_what_is_wanted_even_in_its_middle) {
  const auto status = message('S', "TimeZone\0UTC\0"s);
  const auto bytes = message('1', "") + status + ready;
  const type_set wanted{server_type::parameter_status};
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    frame_scanner scanner(direction::from_server);
    std::string storage, found, forwarded;
    message_collector collector(storage, 1024);
    for (auto rest : {std::string_view(bytes).substr(0, cut), std::string_view(bytes).substr(cut)})
      while (!rest.empty()) {
        const auto p = scanner.scan(rest, wanted);
        ASSERT_EQ(p.error, errc::ok);
        forwarded += rest.substr(0, p.consumed);
        rest.remove_prefix(p.consumed);
        if (rest.empty()) break;
        frame f;
        ASSERT_TRUE(scanner.next(rest, f));
        ASSERT_EQ(f.server(), server_type::parameter_status);
        rest.remove_prefix(f.bytes.size());
        if (collector.add(f) == collect_status::whole) found += collector.message();
      }
    EXPECT_EQ(found, status) << cut;
    EXPECT_EQ(forwarded, message('1', "") + ready) << cut;
  }
}

TEST(frame_scanner, refuses_lengths_and_types) {
  EXPECT_EQ(server_fault(message('D', 3, "")), errc::length_too_small);
  EXPECT_EQ(server_fault(message('D', 0, "")), errc::length_too_small);
  EXPECT_EQ(server_fault(message('D', 5, "x")), errc::length_too_small);
  EXPECT_EQ(server_fault(message('D', 0x40000000, "")), errc::length_too_large);
  EXPECT_EQ(server_fault(message('D', 0xffffffff, "")), errc::length_too_large);
  EXPECT_EQ(server_fault(message('D', 0x3fffffff, "")), errc::ok);
  EXPECT_EQ(server_fault(message('1', 5, "x")), errc::length_too_large);
  EXPECT_EQ(server_fault(message('Z', 4, "")), errc::length_too_small);
  EXPECT_EQ(server_fault(message('Z', 6, "II")), errc::length_too_large);
  EXPECT_EQ(server_fault(message('Z', "X")), errc::bad_status);
  EXPECT_EQ(server_fault(message('K', 16, std::string(12, 'x'))), errc::length_too_large);
  EXPECT_EQ(server_fault(message('Q', "select 1\0"s)), errc::unknown_type);
  EXPECT_EQ(server_fault(message('\0', 0xffffffff, "")), errc::unknown_type);
  EXPECT_EQ(server_fault("\xff"), errc::unknown_type);
  EXPECT_EQ(client_fault(message('Z', "I")), errc::unknown_type);
  EXPECT_EQ(client_fault("GET / HTTP/1.1\r\n"), errc::unknown_type);
  EXPECT_EQ(client_fault(message('S', 5, "x")), errc::length_too_large);
  EXPECT_EQ(client_fault(message('p', 65'536, "")), errc::length_too_large);
  EXPECT_EQ(client_fault(message('E', 10'001, "")), errc::length_too_large);
  EXPECT_EQ(client_fault(message('B', 11, "")), errc::length_too_small);
  EXPECT_EQ(client_fault(message('S', "") + message('X', "")), errc::ok);
}

TEST(frame_scanner, a_fault_is_final_and_described) {
  frame_scanner scanner(direction::from_client);
  const auto bytes = message('S', "") + "G";
  const auto p = scanner.scan(bytes);
  EXPECT_EQ(p.error, errc::unknown_type);
  EXPECT_EQ(p.consumed, 5U);
  EXPECT_EQ(p.messages, 1U);
  EXPECT_EQ(scanner.describe_error(),
            "message 'G' (0x47) from the client, about byte 5 of the connection: "
            "the message type is unknown in this direction");
  EXPECT_EQ(scanner.scan(message('S', "")).consumed, 0U);
  EXPECT_EQ(scanner.scan(message('S', "")).error, errc::unknown_type);
  frame f;
  EXPECT_FALSE(scanner.next("S", f));

  frame_scanner server(direction::from_server);
  EXPECT_EQ(server.describe_error(), "");
  EXPECT_EQ(server.scan(message('Z', 9, "")).error, errc::length_too_large);
  EXPECT_EQ(server.describe_error(),
            "message 'Z' (0x5a, ReadyForQuery) from the server, about byte 0 of the connection: "
            "the message length is over the limit of its type (length 9, allowed 5 to 5)");
  // Wanting every type does not hide an unknown one.
  frame_scanner all(direction::from_server);
  EXPECT_EQ(all.scan("\1", type_set::all()).error, errc::unknown_type);
}

TEST(frame_scanner, parts_of_a_long_message) {
  const auto bytes = message('d', std::string(100, 'a'));
  frame_scanner scanner(direction::from_server);
  frame f;
  ASSERT_TRUE(scanner.next(std::string_view(bytes).substr(0, 3), f));
  EXPECT_EQ(f.size, 0U);
  EXPECT_TRUE(f.starts);
  EXPECT_FALSE(f.ends);
  EXPECT_EQ(scanner.open_bytes(), 0U);
  EXPECT_FALSE(scanner.at_boundary());
  ASSERT_TRUE(scanner.next(std::string_view(bytes).substr(3, 50), f));
  EXPECT_EQ(f.size, 105U);
  EXPECT_EQ(f.before, 3U);
  EXPECT_EQ(f.bytes.size(), 50U);
  EXPECT_EQ(scanner.open_bytes(), 52U);
  ASSERT_TRUE(scanner.next(bytes.substr(53) + ready, f));
  EXPECT_EQ(f.before, 53U);
  EXPECT_EQ(f.bytes.size(), 52U);
  EXPECT_TRUE(f.ends);
  EXPECT_FALSE(f.whole());
}

TEST(frame_scanner, never_reads_beyond_what_it_is_given) {
  const auto bytes = message('T', "\0\0"s) + message('D', "\0\1\0\0\0\1x"s) + ready;
  for (std::size_t n = 1; n <= bytes.size(); ++n) {
    const auto exact = std::make_unique<char[]>(n);  // so that a sanitizer sees a step too far
    std::memcpy(exact.get(), bytes.data(), n);
    frame_scanner scanner(direction::from_server);
    EXPECT_EQ(scanner.scan({exact.get(), n}).consumed, n);
  }
}

TEST(message_collector, a_message_in_one_read_is_not_copied) {
  const auto bytes = message('Q', std::string(100, 'a') + '\0');
  frame_scanner scanner(direction::from_client);
  std::string storage;
  message_collector collector(storage, 10);
  frame f;
  ASSERT_TRUE(scanner.next(bytes, f));
  ASSERT_EQ(collector.add(f), collect_status::whole);
  EXPECT_EQ(collector.message().data(), bytes.data());
  EXPECT_EQ(collector.body().size(), 101U);
  EXPECT_EQ(storage.capacity(), std::string().capacity());
}

TEST(message_collector, what_is_over_the_limit_is_handed_on_whole) {
  const auto bytes = message('Q', std::string(100, 'a') + '\0');
  for (std::size_t step = 1; step < bytes.size(); ++step) {
    frame_scanner scanner(direction::from_client);
    std::string storage, streamed;
    message_collector collector(storage, 50);
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      frame f;
      ASSERT_TRUE(scanner.next(std::string_view(bytes).substr(at, step), f));
      const auto status = collector.add(f);
      if (f.size == 0) {
        EXPECT_EQ(status, collect_status::need_more);
        continue;
      }
      EXPECT_EQ(status, collect_status::too_long);
      streamed += collector.message();
      streamed += f.bytes;
    }
    EXPECT_EQ(streamed, bytes) << step;
    EXPECT_LE(storage.capacity(), 50U);
  }
}

TEST(message_collector, is_ready_for_the_next_message) {
  frame_scanner scanner(direction::from_client);
  std::string storage;
  message_collector collector(storage, 50);
  const auto next = [&](std::string_view bytes) {
    frame f;
    EXPECT_TRUE(scanner.next(bytes, f));
    return collector.add(f);
  };
  const auto longer = message('Q', std::string(60, 'a') + '\0');
  const auto shorter = message('Q', "select 1\0"s);
  EXPECT_EQ(next(longer.substr(0, 30)), collect_status::too_long);
  EXPECT_EQ(next(longer.substr(30)), collect_status::too_long);
  EXPECT_EQ(next(shorter.substr(0, 3)), collect_status::need_more);
  EXPECT_EQ(next(shorter.substr(3, 4)), collect_status::need_more);
  EXPECT_EQ(next(shorter.substr(7)), collect_status::whole);
  EXPECT_EQ(collector.message(), shorter);
  collector.clear();
  EXPECT_EQ(collector.message(), "");
  EXPECT_EQ(collector.body(), "");
}

TEST(message_type, sets_and_names) {
  constexpr type_set some{client_type::parse, client_type::bind};
  EXPECT_TRUE(some.has(client_type::bind));
  EXPECT_FALSE(some.has(client_type::sync));
  EXPECT_TRUE(some.within(type_set{client_type::parse, client_type::bind, client_type::sync}));
  EXPECT_FALSE(some.intersects(type_set{client_type::query}));
  std::string known;
  for (int c = 0; c < 256; ++c)
    if (!type_name(direction::from_server, static_cast<char>(c)).empty()) {
      EXPECT_NE(rule_of(direction::from_server, static_cast<char>(c)).bit, 0) << c;
      known += static_cast<char>(c);
    }
  EXPECT_EQ(known, "123ACDEGHIKNRSTVWZcdnstv");
  EXPECT_EQ(type_name(direction::from_client, 'D'), "Describe");
  EXPECT_EQ(type_name(direction::from_server, 'D'), "DataRow");
}

}  // namespace
}  // namespace fairing::codec::pgwire
