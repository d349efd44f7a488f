// What PostgreSQL 15.18 and its own clients really sent, recorded on loopback between them.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "codec/pgwire/client_messages.hpp"
#include "codec/pgwire/frame_scanner.hpp"
#include "codec/pgwire/server_messages.hpp"

namespace fairing::codec::pgwire {
namespace {

using namespace std::string_literals;

// clang-format off
// psql: SCRAM, create, insert, select, 1/0, an empty query, a notice, COPY both ways, LISTEN.
const auto psql_client =
    "\000\000\000:\000\003\000\000user\000app\000database\000postgres\000application_name\000psql\000\000"
    "p\000\000\0006SCRAM-SHA-256\000\000\000\000 n,,n=,r=dvw4mm6DswlmBb2ceGZa3muL"
    "p\000\000\000lc=biws,r=dvw4mm6DswlmBb2ceGZa3muLrkHwzViqIZYLNMc2tvXzOR"
    "Gf,p=NcA612QBvCwGC8VDCSVJjVs5W1yiYSJjrVcLrMCer8s="
    "Q\000\000\0003create table t(id int primary key, name text);\000"
    "Q\000\000\000+insert into t values (1,'a'),(2,null);\000"
    "Q\000\000\000(select id, name from t order by id;\000"
    "Q\000\000\000\020select 1/0;\000"
    "Q\000\000\000\006;\000"
    "Q\000\000\000.do $$ begin raise notice 'hello'; end $$;\000"
    "Q\000\000\000\026copy t to stdout;\000"
    "Q\000\000\000\027copy t from stdin;\000"
    "d\000\000\000\0133\011c\012\\.\012"
    "c\000\000\000\004"
    "Q\000\000\000\017listen ch;\000"
    "Q\000\000\000\032notify ch, 'payload';\000"
    "Q\000\000\000.select 'x'::text as t, 1.5::numeric as n;\000"
    "X\000\000\000\004"
    ""s;

const auto psql_server =
    "R\000\000\000\027\000\000\000\012SCRAM-SHA-256\000\000"
    "R\000\000\000\\\000\000\000\013r=dvw4mm6DswlmBb2ceGZa3muLrkHwzViqIZYLNMc2tvXzORGf,"
    "s=xotS/WxF9gf0sMLlDxlubA==,i=4096"
    "R\000\000\0006\000\000\000\014v=BjOoKXLgjWARWU790/TAF47YofsjLEvwA0o3cr6OWXM="
    "R\000\000\000\010\000\000\000\000"
    "S\000\000\000\032application_name\000psql\000"
    "S\000\000\000\031client_encoding\000UTF8\000"
    "S\000\000\000\027DateStyle\000ISO, MDY\000"
    "S\000\000\000&default_transaction_read_only\000off\000"
    "S\000\000\000\027in_hot_standby\000off\000"
    "S\000\000\000\031integer_datetimes\000on\000"
    "S\000\000\000\033IntervalStyle\000postgres\000"
    "S\000\000\000\024is_superuser\000on\000"
    "S\000\000\000\031server_encoding\000UTF8\000"
    "S\000\000\0002server_version\00015.18 (Debian 15.18-0+deb12u1)\000"
    "S\000\000\000\036session_authorization\000app\000"
    "S\000\000\000#standard_conforming_strings\000on\000"
    "S\000\000\000\025TimeZone\000Etc/UTC\000"
    "K\000\000\000\014\000\000\030\246\360F\367\341"
    "Z\000\000\000\005I"
    "C\000\000\000\021CREATE TABLE\000"
    "Z\000\000\000\005I"
    "C\000\000\000\017INSERT 0 2\000"
    "Z\000\000\000\005I"
    "T\000\000\0002\000\002id\000\000\000@\000\000\001\000\000\000\027\000\004\377\377\377\377\000\000name\000\000\000@\000\000\002\000\000\000\031\377\377\377\377\377\377\000\000"
    "D\000\000\000\020\000\002\000\000\000\0011\000\000\000\001a"
    "D\000\000\000\017\000\002\000\000\000\0012\377\377\377\377"
    "C\000\000\000\015SELECT 2\000"
    "Z\000\000\000\005I"
    "E\000\000\000ASERROR\000VERROR\000C22012\000Mdivision by zero\000Fint.c\000L869\000Rint"
    "4div\000\000"
    "Z\000\000\000\005I"
    "I\000\000\000\004"
    "Z\000\000\000\005I"
    "N\000\000\000zSNOTICE\000VNOTICE\000C00000\000Mhello\000WPL/pgSQL function inline"
    "_code_block line 1 at RAISE\000Fpl_exec.c\000L3891\000Rexec_stmt_rais"
    "e\000\000"
    "C\000\000\000\007DO\000"
    "Z\000\000\000\005I"
    "H\000\000\000\013\000\000\002\000\000\000\000"
    "d\000\000\000\0101\011a\012"
    "d\000\000\000\0112\011\\N\012"
    "c\000\000\000\004"
    "C\000\000\000\013COPY 2\000"
    "Z\000\000\000\005I"
    "G\000\000\000\013\000\000\002\000\000\000\000"
    "C\000\000\000\013COPY 1\000"
    "Z\000\000\000\005I"
    "C\000\000\000\013LISTEN\000"
    "Z\000\000\000\005I"
    "C\000\000\000\013NOTIFY\000"
    "A\000\000\000\023\000\000\030\246ch\000payload\000"
    "Z\000\000\000\005I"
    "T\000\000\000.\000\002t\000\000\000\000\000\000\000\000\000\000\031\377\377\377\377\377\377\000\000n\000\000\000\000\000\000\000\000\000\006\244\377\377\377\377\377\377\000\000"
    "D\000\000\000\022\000\002\000\000\000\001x\000\000\000\0031.5"
    "C\000\000\000\015SELECT 1\000"
    "Z\000\000\000\005I"
    ""s;

// psql with sslmode=prefer, from its SSLRequest on; the server answered 'N'.
const auto prefer_client =
    "\000\000\000\010\004\322\026/"
    "\000\000\000:\000\003\000\000user\000app\000database\000postgres\000application_name\000psql\000\000"
    "p\000\000\0006SCRAM-SHA-256\000\000\000\000 n,,n=,r=J+ojUfwuDnsZFnpEGnoDk6OK"
    "p\000\000\000lc=biws,r=J+ojUfwuDnsZFnpEGnoDk6OKn7/poC8QX5oN3Nrz5NcEMm"
    "fz,p=NpVJGEW/kiAZpsxz+EG7bci84WJ+zdj471Sx4FLd3lM="
    "Q\000\000\000\016select 1;\000"
    "X\000\000\000\004"
    ""s;

// psql with a wrong password.
const auto refused_server =
    "R\000\000\000\027\000\000\000\012SCRAM-SHA-256\000\000"
    "R\000\000\000\\\000\000\000\013r=6GveHoqLOglX3yXykyaWyn/MJMxBsaR64rbAqAFxhs7w/Ez0,"
    "s=xotS/WxF9gf0sMLlDxlubA==,i=4096"
    "E\000\000\000cSFATAL\000VFATAL\000C28P01\000Mpassword authentication failed fo"
    "r user \"app\"\000Fauth.c\000L334\000Rauth_failed\000\000"
    ""s;

// pgbench -M prepared: two transactions.
const auto pgbench_client =
    "\000\000\000=\000\003\000\000user\000app\000database\000postgres\000application_name\000pgbench\000"
    "\000"
    "p\000\000\0006SCRAM-SHA-256\000\000\000\000 n,,n=,r=16v4F67W0VGj6lOejtEcVIeN"
    "p\000\000\000lc=biws,r=16v4F67W0VGj6lOejtEcVIeNYkPblCQlW0pcT0Y0wGSkVO"
    "uT,p=OCnk7dSc/FoZ32JhIhl+YT21wQdVCFZ4wdxigBSnK2k="
    "P\000\000\000,P_0\000select name from t where id = $1;\000\000\000"
    "S\000\000\000\004"
    "B\000\000\000\026\000P_0\000\000\000\000\001\000\000\000\0013\000\001\000\000"
    "D\000\000\000\006P\000"
    "E\000\000\000\011\000\000\000\000\000"
    "S\000\000\000\004"
    "B\000\000\000\026\000P_0\000\000\000\000\001\000\000\000\0012\000\001\000\000"
    "D\000\000\000\006P\000"
    "E\000\000\000\011\000\000\000\000\000"
    "S\000\000\000\004"
    "X\000\000\000\004"
    ""s;

const auto pgbench_server =
    "R\000\000\000\027\000\000\000\012SCRAM-SHA-256\000\000"
    "R\000\000\000\\\000\000\000\013r=16v4F67W0VGj6lOejtEcVIeNYkPblCQlW0pcT0Y0wGSkVOuT,"
    "s=xotS/WxF9gf0sMLlDxlubA==,i=4096"
    "R\000\000\0006\000\000\000\014v=tBVdWHtruUQyE+g7qweP8YS/efhuJDjOyZH76Q5MpM4="
    "R\000\000\000\010\000\000\000\000"
    "S\000\000\000\035application_name\000pgbench\000"
    "S\000\000\000\031client_encoding\000UTF8\000"
    "S\000\000\000\027DateStyle\000ISO, MDY\000"
    "S\000\000\000&default_transaction_read_only\000off\000"
    "S\000\000\000\027in_hot_standby\000off\000"
    "S\000\000\000\031integer_datetimes\000on\000"
    "S\000\000\000\033IntervalStyle\000postgres\000"
    "S\000\000\000\024is_superuser\000on\000"
    "S\000\000\000\031server_encoding\000UTF8\000"
    "S\000\000\0002server_version\00015.18 (Debian 15.18-0+deb12u1)\000"
    "S\000\000\000\036session_authorization\000app\000"
    "S\000\000\000#standard_conforming_strings\000on\000"
    "S\000\000\000\025TimeZone\000Etc/UTC\000"
    "K\000\000\000\014\000\000\030\270?5vc"
    "Z\000\000\000\005I"
    "1\000\000\000\004"
    "Z\000\000\000\005I"
    "2\000\000\000\004"
    "T\000\000\000\035\000\001name\000\000\000@\000\000\002\000\000\000\031\377\377\377\377\377\377\000\000"
    "D\000\000\000\013\000\001\000\000\000\001c"
    "C\000\000\000\015SELECT 1\000"
    "Z\000\000\000\005I"
    "2\000\000\000\004"
    "T\000\000\000\035\000\001name\000\000\000@\000\000\002\000\000\000\031\377\377\377\377\377\377\000\000"
    "D\000\000\000\012\000\001\377\377\377\377"
    "C\000\000\000\015SELECT 1\000"
    "Z\000\000\000\005I"
    ""s;

// clang-format on

struct seen {
  std::string types;
  std::vector<std::string> bodies;
};

// Every message, put together from parts of at most `step` bytes.
seen walk(direction d, std::string_view bytes, std::size_t step) {
  seen out;
  frame_scanner scanner(d);
  std::string message;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    auto rest = bytes.substr(at, step);
    while (!rest.empty()) {
      frame f;
      EXPECT_TRUE(scanner.next(rest, f)) << scanner.describe_error();
      if (scanner.error() != errc::ok) return out;
      EXPECT_EQ(f.before, message.size());
      EXPECT_EQ(f.starts, message.empty());
      message += f.bytes;
      rest.remove_prefix(f.bytes.size());
      if (!f.ends) continue;
      EXPECT_EQ(f.size, message.size());
      out.types += f.type;
      out.bodies.push_back(message.substr(header_bytes));
      message.clear();
    }
  }
  EXPECT_TRUE(scanner.at_boundary());
  EXPECT_EQ(scanner.offset(), bytes.size());
  return out;
}

std::string_view after_startup(std::string_view bytes, startup_packet& packet) {
  EXPECT_EQ(parse_startup(bytes, packet), startup_status::complete);
  return bytes.substr(packet.size);
}

TEST(captured, a_session_of_psql_from_its_client) {
  startup_packet startup;
  const auto messages = after_startup(psql_client, startup);
  EXPECT_EQ(startup.kind, startup_kind::startup);
  EXPECT_EQ(startup.version, protocol_3_0);
  EXPECT_EQ(startup.user, "app");
  EXPECT_EQ(startup.database, "postgres");
  EXPECT_EQ(startup.find("application_name").bytes, "psql");
  EXPECT_FALSE(startup.needs_negotiation());
  const auto all = walk(direction::from_client, messages, messages.size());
  ASSERT_EQ(all.types, "ppQQQQQQQQdcQQQX");
  for (std::size_t step = 1; step < 40; ++step)
    EXPECT_EQ(walk(direction::from_client, messages, step).bodies, all.bodies) << step;
  const auto initial = read_sasl_initial_response(all.bodies[0]);
  ASSERT_TRUE(initial);
  EXPECT_EQ(initial->mechanism, "SCRAM-SHA-256");
  EXPECT_EQ(initial->data.bytes, "n,,n=,r=dvw4mm6DswlmBb2ceGZa3muL");
  EXPECT_EQ(read_query(all.bodies[5]), "select 1/0;");
  EXPECT_EQ(all.bodies[10], "3\tc\n\\.\n");
}

TEST(captured, a_session_of_psql_from_its_server) {
  const auto all = walk(direction::from_server, psql_server, psql_server.size());
  ASSERT_EQ(all.types, "RRRRSSSSSSSSSSSSSKZCZCZTDDCZEZIZNCZHddcCZGCZCZCAZTDCZ");
  for (std::size_t step = 1; step < 40; ++step)
    EXPECT_EQ(walk(direction::from_server, psql_server, step).bodies, all.bodies) << step;

  const auto body = [&](char type, std::size_t n = 0) -> std::string_view {
    for (std::size_t i = 0; i < all.types.size(); ++i)
      if (all.types[i] == type && n-- == 0) return all.bodies[i];
    ADD_FAILURE() << "no " << type;
    return {};
  };
  EXPECT_TRUE(read_authentication(body('R'))->offers("SCRAM-SHA-256"));
  EXPECT_FALSE(read_authentication(body('R'))->offers("SCRAM-SHA-256-PLUS"));
  EXPECT_EQ(read_authentication(body('R', 1))->kind, auth_kind::sasl_continue);
  EXPECT_EQ(read_authentication(body('R', 2))->data,
            "v=BjOoKXLgjWARWU790/TAF47YofsjLEvwA0o3cr6OWXM=");
  EXPECT_EQ(read_authentication(body('R', 3))->kind, auth_kind::ok);
  EXPECT_EQ(read_parameter_status(body('S', 9))->name, "server_version");
  EXPECT_EQ(read_parameter_status(body('S', 9))->value, "15.18 (Debian 15.18-0+deb12u1)");
  EXPECT_EQ(read_backend_key_data(body('K'))->pid, 6310U);
  EXPECT_EQ(read_ready_for_query(body('Z')), transaction_status::idle);
  EXPECT_EQ(read_command_complete(body('C', 0))->rows, std::nullopt);
  EXPECT_EQ(read_command_complete(body('C', 1))->rows, 2U);
  const auto columns = read_row_description(body('T'));
  ASSERT_TRUE(columns);
  ASSERT_EQ(columns->size(), 2U);
  EXPECT_EQ(*columns->begin(), (column_view{"id", 16384, 1, 23, 4, -1, 0}));
  EXPECT_EQ(*++columns->begin(), (column_view{"name", 16384, 2, 25, -1, -1, 0}));
  const auto row = read_data_row(body('D', 1));
  ASSERT_TRUE(row);
  EXPECT_EQ(*row->begin(), (value_view{"2", false}));
  EXPECT_TRUE((++row->begin())->null);
  const auto error = read_error(body('E'));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->severity, "ERROR");
  EXPECT_EQ(error->sqlstate, "22012");
  EXPECT_EQ(error->message, "division by zero");
  EXPECT_EQ(error->find('R'), "int4div");
  EXPECT_FALSE(error->fatal());
  EXPECT_EQ(read_error(body('N'))->find('W'),
            "PL/pgSQL function inline_code_block line 1 at RAISE");
  EXPECT_EQ(read_copy_response(body('H'))->column_formats.size(), 2U);
  EXPECT_EQ(read_copy_response(body('G'))->format, 0);
  EXPECT_EQ(read_notification(body('A'))->channel, "ch");
  EXPECT_EQ(read_notification(body('A'))->payload, "payload");
}

TEST(captured, an_ssl_request_before_the_start_up_packet) {
  startup_packet packet;
  const auto rest = after_startup(prefer_client, packet);
  EXPECT_EQ(packet.kind, startup_kind::ssl_request);
  EXPECT_EQ(packet.size, 8U);
  const auto messages = after_startup(rest, packet);
  EXPECT_EQ(packet.kind, startup_kind::startup);
  EXPECT_EQ(walk(direction::from_client, messages, 7).types, "ppQX");
}

TEST(captured, a_refused_password) {
  const auto all = walk(direction::from_server, refused_server, 11);
  ASSERT_EQ(all.types, "RRE");
  const auto error = read_error(all.bodies[2]);
  ASSERT_TRUE(error);
  EXPECT_TRUE(error->fatal());
  EXPECT_EQ(error->sqlstate, code(sqlstate::invalid_password));
}

TEST(captured, prepared_statements_of_pgbench) {
  startup_packet startup;
  const auto all = walk(direction::from_client, after_startup(pgbench_client, startup), 13);
  ASSERT_EQ(all.types, "ppPSBDESBDESX");
  const auto parse = read_parse(all.bodies[2]);
  ASSERT_TRUE(parse);
  EXPECT_EQ(parse->name, "P_0");
  EXPECT_EQ(parse->sql, "select name from t where id = $1;");
  EXPECT_TRUE(parse->parameter_types.empty());
  const auto bind = read_bind(all.bodies[4]);
  ASSERT_TRUE(bind);
  EXPECT_EQ(bind->portal, "");
  EXPECT_EQ(bind->statement, "P_0");
  EXPECT_EQ(bind->parameter_formats.size(), 0U);
  ASSERT_EQ(bind->parameters.size(), 1U);
  EXPECT_EQ(*bind->parameters.begin(), (value_view{"3", false}));
  EXPECT_EQ(bind->result_formats.size(), 1U);
  EXPECT_EQ(bind->result_formats.of(7), 0);
  EXPECT_EQ(read_describe(all.bodies[5])->kind, target_kind::portal);
  EXPECT_EQ(read_execute(all.bodies[6])->max_rows, 0);

  frame_scanner scanner(direction::from_server);
  const auto p = scanner.scan(pgbench_server);
  EXPECT_EQ(p.error, errc::ok);
  EXPECT_EQ(p.consumed, pgbench_server.size());
  EXPECT_EQ(p.complete_bytes, pgbench_server.size());
  EXPECT_EQ(p.ready, 4U);
  EXPECT_EQ(p.data_rows, 2U);
  EXPECT_TRUE(p.types.has(server_type::parse_complete));
  EXPECT_FALSE(p.types.has(server_type::error_response));
}

}  // namespace
}  // namespace fairing::codec::pgwire
