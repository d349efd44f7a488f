#include "admin/token.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace fairing::admin {
namespace {

struct Token : testing::Test {
  void SetUp() override {
    std::string at = testing::TempDir() + "/admin-token-XXXXXX";
    ASSERT_NE(::mkdtemp(at.data()), nullptr);
    root = at;
  }
  void TearDown() override { std::filesystem::remove_all(root); }
  static mode_t mode(const std::string& path) {
    struct stat st{};
    EXPECT_EQ(::stat(path.c_str(), &st), 0) << path;
    return st.st_mode & 07777;
  }
  static std::string read(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string root;
};

TEST_F(Token, MakesAPrivateDirectoryAndFile) {
  const auto dir = root + "/run";
  const auto token = make_token_file(dir);
  ASSERT_TRUE(token) << token.error().message();
  EXPECT_EQ(token->size(), 64U);
  EXPECT_EQ(token->find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(read(dir + "/token"), *token + "\n");
  EXPECT_EQ(mode(dir), 0700U);
  EXPECT_EQ(mode(dir + "/token"), 0600U);
}

TEST_F(Token, IsSharedByInstancesOfOneUserAndLeavesNothingBehind) {
  const auto first = make_token_file(root);
  const auto second = make_token_file(root);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(read(root + "/token"), *first + "\n");
  const std::filesystem::directory_iterator entries(root);
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
}

TEST_F(Token, IsMadeAnewWhereTheOldOneCannotBeTrusted) {
  const auto first = make_token_file(root);
  ASSERT_TRUE(first);
  const auto path = root + "/token";
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);  // others may have read it
  const auto second = make_token_file(root);
  ASSERT_TRUE(second) << second.error().message();
  EXPECT_NE(*first, *second);
  EXPECT_EQ(mode(path), 0600U);
  std::ofstream(path) << "short\n";
  const auto third = make_token_file(root);
  ASSERT_TRUE(third);
  EXPECT_EQ(read(path), *third + "\n");
  std::filesystem::rename(path, root + "/elsewhere");
  std::filesystem::create_symlink(root + "/elsewhere", path);
  const auto fourth = make_token_file(root);
  ASSERT_TRUE(fourth);
  EXPECT_NE(*third, *fourth);
  EXPECT_FALSE(std::filesystem::is_symlink(path));
}

TEST_F(Token, RefusesDirectoriesOfOthers) {
  const auto open_to_all = root + "/open";
  ASSERT_EQ(::mkdir(open_to_all.c_str(), 0700), 0);
  ASSERT_EQ(::chmod(open_to_all.c_str(), 0777), 0);
  const auto r = make_token_file(open_to_all);
  ASSERT_FALSE(r);
  EXPECT_NE(r.error().message().find("FAIRING_RUNTIME_DIR"), std::string::npos);
  const auto link = root + "/link";
  ASSERT_EQ(::symlink(root.c_str(), link.c_str()), 0);
  EXPECT_FALSE(make_token_file(link));
  EXPECT_FALSE(make_token_file(root + "/none/below"));
}

}  // namespace
}  // namespace fairing::admin
