#include "app/config/substitute.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "app/config/test_config.hpp"

namespace fairing::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string write_file(const std::string& name, const std::string& text) {
  const auto path = testing::TempDir() + name;
  std::FILE* f = std::fopen(path.c_str(), "w");
  EXPECT_NE(f, nullptr);
  std::fwrite(text.data(), 1, text.size(), f);
  std::fclose(f);
  return path;
}

struct replaced {
  std::string text;
  std::vector<std::string> errors;
};

replaced replace(const std::string& text) {
  node n = scalar_node(text, {"f.yaml", 3, 7});
  diagnostics errors;
  substitute(
      n,
      [](const std::string& name) -> std::optional<std::string> {
        if (name == "PORT") return "3000";
        if (name == "EMPTY") return "";
        if (name == "NESTED") return "${PORT}";
        return std::nullopt;
      },
      errors);
  return {n.text, test_source::texts(errors)};
}

TEST(substitute, every_form) {
  EXPECT_EQ(replace("http://h:${PORT}/").text, "http://h:3000/");
  EXPECT_EQ(replace("${PORT}${PORT}").text, "30003000");
  EXPECT_EQ(replace("${NO:-x:y}").text, "x:y");
  EXPECT_EQ(replace("${NO:-}").text, "");
  EXPECT_EQ(replace("${EMPTY:-d}").text, "d");
  EXPECT_EQ(replace("${EMPTY}").text, "");
  EXPECT_EQ(replace("${PORT:-d}").text, "3000");
  EXPECT_EQ(replace("$$").text, "$");
  EXPECT_EQ(replace("$${PORT}").text, "${PORT}");
  EXPECT_EQ(replace("a$b $ c$").text, "a$b $ c$");
  EXPECT_EQ(replace("${NESTED}").text, "${PORT}");  // not looked at again
}

TEST(substitute, a_file_loses_one_final_newline) {
  const auto one = write_file("secret1", "s3cret\n");
  const auto two = write_file("secret2", "s3cret\n\n");
  EXPECT_EQ(replace("${file:" + one + "}").text, "s3cret");
  EXPECT_EQ(replace("x${file:" + two + "}").text, "xs3cret\n");
  EXPECT_THAT(replace("${file:/nonexistent/x}").errors,
              ElementsAre("f.yaml:3:7: cannot read /nonexistent/x: No such file or directory; make "
                          "the file readable for this user, or write another reference"));
}

TEST(substitute, errors_have_a_position) {
  EXPECT_THAT(
      replace("${NO}").errors,
      ElementsAre(
          "f.yaml:3:7: the environment variable NO is not set; set it or write ${NO:-default}"));
  EXPECT_THAT(replace("${PORT").errors, ElementsAre("f.yaml:3:7: `${PORT` has a ${ without }"));
  EXPECT_THAT(replace("${a b}").errors, ElementsAre(HasSubstr("`${a b}` is not a reference")));
  EXPECT_THAT(replace("${}").errors, ElementsAre(HasSubstr("is not a reference")));
}

TEST(substitute, an_unset_variable_is_told_once_and_where) {
  const test_source s;
  EXPECT_THAT(
      s.errors("http:\n  listen: 8080\n  upstream: ${BACKEND}\n"),
      ElementsAre("fairing.yaml:3:13: the environment variable BACKEND is not set; set it or write "
                  "${BACKEND:-default}"));
}

TEST(substitute, a_value_cannot_become_structure_and_is_never_printed) {
  const test_source s{{{"SIZE", "1MiB, shared: x"}, {"NET", "hunter2"}, {"TOKEN", "short"}}, {}};
  EXPECT_THAT(s.errors(good_site + "cache: { memory: ${SIZE} }\n"),
              ElementsAre("fairing.yaml:2:18: `cache.memory`: `${SIZE}` is not a size; write 512B, "
                          "64KiB, 256MiB or 1GiB"));
  EXPECT_THAT(s.errors(good_site + "trusted_proxies: [${NET}]\nadmin: { token: ${TOKEN} }\n"),
              Not(testing::Contains(testing::AnyOf(HasSubstr("hunter2"), HasSubstr("`short`")))));
}

TEST(substitute, values_are_typed_after_it) {
  const test_source s{{{"SIZE", "64MiB"}, {"ON", "on"}}, {}};
  const auto c = s.load(
      "cache: { memory: ${SIZE} }\nhttp: { listen: ${PORT:-8081}, upstream: http://127.0.0.1:1, "
      "egress: ${ON} }\n");
  ASSERT_THAT(test_source::texts(c.errors), IsEmpty());
  EXPECT_EQ(c.value.cache.memory, 64ULL << 20);
  EXPECT_EQ(c.value.http.at(0).listen, "127.0.0.1:8081");
  EXPECT_TRUE(c.value.http.at(0).egress);
}

}  // namespace
}  // namespace fairing::config
