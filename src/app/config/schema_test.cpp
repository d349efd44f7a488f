#include "app/config/schema.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "app/config/describe.hpp"
#include "app/config/test_config.hpp"
#include "base/version.hpp"

namespace fairing::config {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string slurp(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

TEST(schema, every_row_is_whole) {
  for (const auto& f : fields()) {
    EXPECT_FALSE(f.doc.empty()) << f.path;
    EXPECT_TRUE(f.doc.ends_with('.')) << f.path;
    const bool holds = f.kind != field_kind::section && f.kind != field_kind::list &&
                       f.change != change_kind::later;
    EXPECT_EQ(f.bind.set != nullptr, holds) << f.path;
    EXPECT_EQ(f.bind.get != nullptr, holds) << f.path;
    EXPECT_EQ(f.list.count != nullptr, f.kind == field_kind::list) << f.path;
    const bool worded = f.kind == field_kind::word || f.kind == field_kind::word_list;
    EXPECT_EQ(!f.words.empty(), worded || takes_auto(f)) << f.path;
    EXPECT_LE(f.least, f.most) << f.path;
  }
}

// Writing every default into a file changes nothing: the table, the texts and the structs say the
// same.
TEST(schema, defaults_written_out_load_to_the_same_config) {
  const test_source s;
  const std::string minimal =
      "http: { listen: 8080, upstream: http://127.0.0.1:3000, tls: ~, routes: [ { match: /a, "
      "rate_limit: 1/s, async: prefer } ] }\nsql: { listen: 6432, upstream: 'postgres://u:p@h/d' "
      "}\n"
      "jobs: { listen: 9324, store: 'sqlite:j.db', queues: [ { name: q, cron: [ { name: c, "
      "schedule: '@daily' } ] } ] }";
  const auto base = s.load(minimal);
  ASSERT_THAT(test_source::texts(base.errors), IsEmpty());
  std::size_t written = 0;
  for (const auto& f : fields()) {
    const auto text = default_text(f);
    if (text.empty() || !f.fallback.empty() || f.bind.set == nullptr) continue;
    std::string key(f.path);
    for (auto at = key.find("[]"); at != std::string::npos; at = key.find("[]"))
      key.replace(at, 2, ".0");
    test_source one;
    one.from.sets = {{key, text}};
    const auto c = one.load(minimal);
    EXPECT_THAT(test_source::texts(c.errors), IsEmpty()) << key << "=" << text;
    EXPECT_THAT(diff(base.value, c.value), IsEmpty()) << key << "=" << text;
    ++written;
  }
  EXPECT_GT(written, 50U);
}

TEST(schema, an_empty_site_has_the_structs_defaults) {
  const test_source s;
  auto loaded = s.load(good_site);
  ASSERT_THAT(test_source::texts(loaded.errors), IsEmpty());
  config plain;
  auto& site = plain.http.emplace_back();
  site.listen = site.name = "127.0.0.1:8080";
  site.upstreams.emplace_back().url = "http://127.0.0.1:3000";
  EXPECT_THAT(diff(plain, loaded.value), IsEmpty());
  EXPECT_EQ(effective_json(plain), effective_json(loaded.value));
}

TEST(schema, an_empty_sql_section_has_the_structs_defaults) {
  const test_source s;
  auto loaded = s.load("sql: { listen: 6432, upstream: 'postgres://u:p@h/d' }");
  ASSERT_THAT(test_source::texts(loaded.errors), IsEmpty());
  config plain;
  auto& plane = plain.sql.emplace();
  plane.listen = "127.0.0.1:6432";
  plane.upstream.host = "h";
  plane.upstream.user = "u";
  plane.upstream.password = "p";
  plane.upstream.database = "d";
  EXPECT_THAT(diff(plain, loaded.value), IsEmpty());
  EXPECT_EQ(effective_json(plain), effective_json(loaded.value));
  EXPECT_THAT(effective_json(config{}), testing::Not(HasSubstr("sql")));
}

TEST(schema, known_defaults) {
  const auto of = [](std::string_view path) {
    for (const auto& f : fields())
      if (f.path == path) return default_text(f);
    return std::string("no such key");
  };
  EXPECT_EQ(of("cache.memory"), "256MiB");
  EXPECT_EQ(of("http[].timeouts.first_byte"), "15s");
  EXPECT_EQ(of("http[].limits.object"), "8MiB");
  EXPECT_EQ(of("http[].compression.encodings"), "[zstd, br, gzip]");
  EXPECT_EQ(of("http[].retry.budget"), "10%");
  EXPECT_EQ(of("http[].balance"), "least");
  EXPECT_EQ(of("admin.listen"), "127.0.0.1:9900");
  EXPECT_EQ(of("http[].routes[].rate_limit.burst"), "1");
  EXPECT_EQ(of("http[].routes[].cache.jitter"), "10%");
  EXPECT_EQ(of("sql.pool.size"), "auto");
  EXPECT_EQ(of("sql.pool.max_pinned"), "50%");
  EXPECT_EQ(of("sql.n_plus_one.eliminate"), "off");
}

TEST(schema, json_schema_is_json_and_has_every_key) {
  const auto j = nlohmann::json::parse(json_schema());
  EXPECT_EQ(j.at("$schema"), "https://json-schema.org/draft/2020-12/schema");
  for (const auto& f : fields()) {
    const nlohmann::json* at = &j;
    std::string_view rest = f.path;
    while (true) {
      const auto dot = rest.find('.');
      auto part = rest.substr(0, dot);
      if (part.ends_with("[]")) part.remove_suffix(2);
      const nlohmann::json& mapping = at->contains("properties") ? *at : at->at("anyOf").at(0);
      ASSERT_TRUE(mapping.at("properties").contains(part)) << f.path;
      at = &mapping.at("properties").at(std::string(part));
      if (dot == std::string_view::npos) break;
      rest.remove_prefix(dot + 1);
    }
    EXPECT_TRUE(at->contains("description")) << f.path;
  }
}

TEST(schema, reference_is_what_the_code_prints) {
  EXPECT_EQ(slurp("docs/reference/configuration.md"), markdown())
      << "run: fairing schema --markdown > docs/reference/configuration.md";
}

TEST(schema, version_is_the_projects) {
  EXPECT_THAT(slurp("CMakeLists.txt"),
              HasSubstr("project(fairing VERSION " + std::string(version)));
}

TEST(schema, secrets_are_not_shown) {
  const test_source s;
  const auto c = s.load(good_site + "admin: { token: 0123456789abcdef }");
  EXPECT_THAT(effective_json(c.value), testing::Not(HasSubstr("0123456789abcdef")));
  EXPECT_THAT(effective_json(c.value), HasSubstr("***"));
}

TEST(schema, a_job_store_is_a_file_or_a_postgresql_whose_password_is_hidden) {
  const test_source s;
  const auto with = [](const std::string& store) {
    return "jobs: { listen: 9324, store: '" + store + "' }";
  };
  const auto c = s.load(with("postgresql://app:hunter2@h/shop?schema=public"));
  EXPECT_THAT(test_source::texts(c.errors), testing::IsEmpty());
  EXPECT_EQ(c.value.jobs.value().store, "postgres://app:hunter2@h:5432/shop");
  const auto shown = nlohmann::json::parse(effective_json(c.value));
  EXPECT_EQ(shown.at("jobs").at("store"), "postgres://app:***@h:5432/shop");
  const auto file = nlohmann::json::parse(effective_json(s.load(with("sqlite:j.db")).value));
  EXPECT_EQ(file.at("jobs").at("store"), "sqlite:j.db");
  EXPECT_THAT(s.errors(with("kafka://h")), ElementsAre(HasSubstr("not in this version")));
  EXPECT_THAT(s.errors(with("jobs.db")), ElementsAre(HasSubstr("write sqlite:PATH")));
  EXPECT_THAT(s.errors(with("sqlite://x.db")), ElementsAre(HasSubstr("write sqlite:x.db")));
  EXPECT_THAT(
      s.errors(with("postgres://app:hunter2@a,b/shop")),
      ElementsAre(testing::AllOf(HasSubstr("several hosts"), testing::Not(HasSubstr("hunter2")))));
}

TEST(schema, of_an_sql_upstream_only_the_password_is_hidden) {
  const test_source s;
  const std::string text =
      "sql: { listen: 6432, upstream: 'postgres://app:hunter2@h/shop', users: [ { name: b, "
      "password: hunter3 } ] }";
  const auto c = s.load(text);
  const auto shown = nlohmann::json::parse(effective_json(c.value));
  EXPECT_EQ(shown.at("sql").at("upstream"), "postgres://app:***@h:5432/shop");
  EXPECT_EQ(shown.at("sql").at("users").at(0).at("password"), "***");
  EXPECT_EQ(shown.at("sql").at("pool").at("size"), "auto");
  // And still a change of it is a change.
  auto other = text;
  other.replace(other.find("hunter2"), 7, "hunter4");
  EXPECT_THAT(diff(c.value, s.load(other).value), ElementsAre("sql.upstream"));
}

TEST(schema, diagnostics_as_json) {
  const test_source s;
  const auto j = nlohmann::json::parse(to_json(s.load(good_site + "cahce: 1").errors));
  ASSERT_EQ(j.size(), 1U);
  EXPECT_EQ(j[0].at("file"), "fairing.yaml");
  EXPECT_EQ(j[0].at("line"), 2);
  EXPECT_EQ(j[0].at("column"), 1);
  EXPECT_EQ(j[0].at("key"), "cahce");
}

}  // namespace
}  // namespace fairing::config
