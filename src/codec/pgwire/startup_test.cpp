#include "codec/pgwire/startup.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "codec/pgwire/server_messages.hpp"

namespace fairing::codec::pgwire {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

std::string packet_of(std::uint32_t code, const std::string& body) {
  std::string out(8, '\0');
  store_u32(out.data(), static_cast<std::uint32_t>(8 + body.size()));
  store_u32(out.data() + 4, code);
  return out + body;
}

// Every prefix asks for more until the verdict, which is that of the whole.
startup_packet parsed_packet(const std::string& bytes, startup_status expected) {
  startup_packet packet;
  const auto whole = parse_startup(bytes, packet);
  EXPECT_EQ(whole, expected) << sentence(packet.error);
  auto last = startup_status::need_more;
  for (std::size_t n = 0; n <= bytes.size() && last == startup_status::need_more; ++n) {
    const auto exact = std::make_unique<char[]>(n + 1);
    std::memcpy(exact.get(), bytes.data(), n);
    startup_packet part;
    last = parse_startup({exact.get(), n}, part);
    if (last != startup_status::need_more) {
      EXPECT_EQ(part.error, packet.error);
    }
  }
  EXPECT_EQ(last, whole);
  return packet;
}

errc fault_of(const std::string& bytes) {
  return parsed_packet(bytes, startup_status::error).error;
}

TEST(startup, reads_a_start_up_packet) {
  const auto bytes = packet_of(protocol_3_0, "user\0app\0database\0shop\0options\0-c a=b\0\0"s);
  const auto packet = parsed_packet(bytes, startup_status::complete);
  EXPECT_EQ(packet.kind, startup_kind::startup);
  EXPECT_EQ(packet.size, bytes.size());
  EXPECT_EQ(packet.user, "app");
  EXPECT_EQ(packet.database, "shop");
  EXPECT_EQ(packet.parameters.size(), 3U);
  EXPECT_EQ(packet.find("options").bytes, "-c a=b");
  EXPECT_TRUE(packet.find("replication").null);
  EXPECT_FALSE(packet.needs_negotiation());
  const auto bare = packet_of(protocol_3_0, "user\0app\0\0"s);
  EXPECT_EQ(parsed_packet(bare, startup_status::complete).database, "app");
}

TEST(startup, reads_the_requests) {
  std::string out;
  append_ssl_request(out);
  EXPECT_EQ(out, "\0\0\0\x08\x04\xd2\x16\x2f"s);
  EXPECT_EQ(parsed_packet(out, startup_status::complete).kind, startup_kind::ssl_request);
  out.clear();
  append_gssenc_request(out);
  EXPECT_EQ(out, "\0\0\0\x08\x04\xd2\x16\x30"s);
  EXPECT_EQ(parsed_packet(out, startup_status::complete).kind, startup_kind::gssenc_request);
  out.clear();
  append_cancel_request(out, {5498, 0x60da33b6});
  EXPECT_EQ(out, "\0\0\0\x10\x04\xd2\x16\x2e\0\0\x15\x7a\x60\xda\x33\xb6"s);
  const auto cancel = parsed_packet(out, startup_status::complete);
  EXPECT_EQ(cancel.kind, startup_kind::cancel_request);
  EXPECT_EQ(cancel.key, (backend_key{5498, 0x60da33b6}));
}

TEST(startup, refuses_what_is_malformed) {
  const auto start = [](const std::string& body) { return packet_of(protocol_3_0, body); };
  EXPECT_EQ(fault_of("\0\0\0\0"s), errc::bad_startup_length);
  EXPECT_EQ(fault_of("\0\0\0\7"s), errc::bad_startup_length);
  EXPECT_EQ(fault_of("\0\0\x27\x15"s), errc::bad_startup_length);
  EXPECT_EQ(fault_of("\xff\xff\xff\xff"s), errc::bad_startup_length);
  EXPECT_EQ(fault_of("GET / HTTP/1.1\r\n"), errc::bad_startup_length);
  EXPECT_EQ(fault_of("\x16\x03\x01\x02"s), errc::bad_startup_length);
  EXPECT_EQ(fault_of(packet_of(ssl_request_code, "x")), errc::bad_startup_length);
  EXPECT_EQ(fault_of(packet_of(cancel_request_code, "1234")), errc::bad_startup_length);
  EXPECT_EQ(fault_of(packet_of(cancel_request_code, "123456789")), errc::bad_startup_length);
  EXPECT_EQ(fault_of(packet_of(131'072, "user\0\0"s)), errc::unsupported_version);
  EXPECT_EQ(fault_of(packet_of(262'144, "user\0\0"s)), errc::unsupported_version);
  EXPECT_EQ(fault_of(start("")), errc::missing_terminator);
  EXPECT_EQ(fault_of(start("user")), errc::missing_terminator);
  EXPECT_EQ(fault_of(start("user\0"s)), errc::missing_terminator);
  EXPECT_EQ(fault_of(start("user\0app"s)), errc::missing_terminator);
  EXPECT_EQ(fault_of(start("user\0app\0"s)), errc::missing_terminator);
  EXPECT_EQ(fault_of(start("user\0app\0\0x"s)), errc::trailing_bytes);
  EXPECT_EQ(fault_of(start("user\0app\0\0\0"s)), errc::trailing_bytes);
  EXPECT_EQ(fault_of(start("user\0app\0user\0root\0\0"s)), errc::duplicate_parameter);
  EXPECT_EQ(fault_of(start("\0"s)), errc::missing_user);
  EXPECT_EQ(fault_of(start("user\0\0\0"s)), errc::missing_user);
  EXPECT_EQ(fault_of(start("database\0app\0\0"s)), errc::missing_user);
  EXPECT_EQ(sqlstate_for(errc::missing_user), sqlstate::invalid_authorization);
}

TEST(startup, bounds_parameters_and_size) {
  std::string body = "user\0app\0"s;
  for (int i = 1; i < 64; ++i) body += "p" + std::to_string(i) + "\0v\0"s;
  EXPECT_EQ(parsed_packet(packet_of(protocol_3_0, body + '\0'), startup_status::complete)
                .parameters.size(),
            64U);
  EXPECT_EQ(fault_of(packet_of(protocol_3_0, body + "one\0more\0\0"s)), errc::too_many_parameters);
  const auto longest = "user\0"s + std::string(max_startup_bytes - 8 - 7, 'u') + "\0\0"s;
  const auto bytes = packet_of(protocol_3_0, longest);
  ASSERT_EQ(bytes.size(), max_startup_bytes);
  startup_packet packet;
  EXPECT_EQ(parse_startup(bytes, packet), startup_status::complete);
}

TEST(startup, negotiates_minor_versions_and_protocol_options) {
  const auto bytes = packet_of(protocol_3_0 + 2, "user\0app\0_pq_.a\0on\0x\0y\0_pq_.bc\0off\0\0"s);
  const auto packet = parsed_packet(bytes, startup_status::complete);
  EXPECT_TRUE(packet.needs_negotiation());
  std::string out;
  append_negotiate_protocol_version(out, packet);
  EXPECT_EQ(out, "v\0\0\0\x1b\0\3\0\0\0\0\0\2_pq_.a\0_pq_.bc\0"s);
  const auto negotiate = read_negotiate_protocol_version(std::string_view(out).substr(5));
  ASSERT_TRUE(negotiate);
  EXPECT_EQ(negotiate->version, protocol_3_0);
  std::vector<std::string_view> options;
  for (const auto& o : negotiate->options) options.push_back(o.text);
  EXPECT_EQ(options, (std::vector<std::string_view>{"_pq_.a", "_pq_.bc"}));
}

TEST(startup, what_is_written_reads_back) {
  const std::vector<parameter_pair> parameters{
      {"user", "app"}, {"", "dropped"}, {"application_name", ""}, {"x", "cut\0here"sv}};
  std::string out = "before";
  ASSERT_TRUE(append_startup(out, parameters));
  const auto bytes = out.substr(6);
  const auto packet = parsed_packet(bytes, startup_status::complete);
  EXPECT_EQ(packet.parameters.size(), 3U);
  EXPECT_EQ(packet.find("application_name"), (value_view{"", false}));
  EXPECT_EQ(packet.find("x").bytes, "cut");
  const auto size = out.size();
  const std::string huge(max_startup_bytes, 'x');
  EXPECT_FALSE(append_startup(out, std::vector<parameter_pair>{{"user", huge}}));
  EXPECT_EQ(out.size(), size);
}

}  // namespace
}  // namespace fairing::codec::pgwire
