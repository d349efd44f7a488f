#include "app/config/yaml_tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/config/test_config.hpp"

namespace fairing::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::string> errors_of(const std::string& text) {
  diagnostics errors;
  (void)parse_yaml(text, "f.yaml", errors);
  return test_source::texts(errors);
}

TEST(yaml_tree, positions_of_keys_and_values) {
  diagnostics errors;
  auto tree = parse_yaml("a: 1\nb:\n  - x\n  - { c: 'é', d: 2 }\n", "f.yaml", errors);
  ASSERT_TRUE(tree);
  EXPECT_EQ(to_text(tree->entries.at(1).at), "f.yaml:2:1");
  const auto& inner = tree->entries.at(1).value.items.at(1);
  EXPECT_EQ(to_text(inner.entries.at(1).at), "f.yaml:4:15");
  EXPECT_TRUE(inner.entries.at(0).value.quoted);
}

TEST(yaml_tree, a_tab_that_indents_is_named) {
  constexpr auto told = "a tab indents this line; YAML takes spaces only, two a level";
  EXPECT_THAT(errors_of("a:\n\tb: 1\n"), ElementsAre(std::string("f.yaml:2:1: ") + told));
  EXPECT_THAT(errors_of("a:\n  \tb: 1\n    c: 2\n"),
              ElementsAre(std::string("f.yaml:2:3: ") + told));
  EXPECT_THAT(errors_of("a: b: c\n\td: 1\n"), ElementsAre(HasSubstr("not YAML")))
      << "the tab comes after the mistake";
}

TEST(yaml_tree, references_may_stand_in_flow_maps) {
  diagnostics errors;
  auto tree = parse_yaml("{ token: ${FASTLY_TOKEN}, next: '${A:-x, y: #z}', l: [${B:-[1]}] }",
                         "f.yaml", errors);
  ASSERT_TRUE(tree) << to_text(errors.at(0));
  EXPECT_EQ(tree->find("token")->text, "${FASTLY_TOKEN}");
  EXPECT_EQ(tree->find("next")->text, "${A:-x, y: #z}");
  EXPECT_EQ(tree->find("l")->items.at(0).text, "${B:-[1]}");
  EXPECT_EQ(to_text(tree->entries.at(1).at), "f.yaml:1:27");
}

TEST(yaml_tree, what_is_not_yaml) {
  EXPECT_THAT(errors_of("a: [1, 2\nb: 3\n"), ElementsAre(HasSubstr("f.yaml:")));
  EXPECT_THAT(errors_of("a: 1\n\tb: 2\n"), SizeIs(1));
  EXPECT_THAT(errors_of("a: \x01\n"), ElementsAre("f.yaml:1:4: control character 0x01"));
  EXPECT_THAT(errors_of("a: 1\n---\nb: 2\n"),
              ElementsAre("f.yaml:3:1: a second YAML document; keep one"));
  EXPECT_THAT(errors_of("? [a]\n: 1\n"), ElementsAre(HasSubstr("a key must be a word")));
  EXPECT_THAT(errors_of(""), IsEmpty());
  EXPECT_THAT(errors_of("# only a comment\n"), IsEmpty());
}

TEST(yaml_tree, limits) {
  EXPECT_THAT(errors_of(std::string(max_file_bytes + 1, '#')),
              ElementsAre("f.yaml: larger than 1 MiB"));
  EXPECT_THAT(errors_of(std::string(100, '[') + std::string(100, ']')),
              ElementsAre("f.yaml:1:65: nested deeper than 64 levels"));
  EXPECT_THAT(errors_of(std::string(200'000, '[')), SizeIs(1));
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    const auto before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += before + ",";
    bomb += before + "]\n";
  }
  EXPECT_THAT(errors_of(bomb), ElementsAre(HasSubstr("more than 20000 values")));
}

TEST(yaml_tree, an_alias_is_its_anchors_value) {
  diagnostics errors;
  auto tree = parse_yaml("a: &t { total: 3s }\nb: *t\n", "f.yaml", errors);
  ASSERT_TRUE(tree);
  EXPECT_EQ(tree->find("b")->find("total")->text, "3s");
}

}  // namespace
}  // namespace fairing::config
