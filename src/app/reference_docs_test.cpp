// Holds the pages of docs/reference that are written by hand to the code's own lists.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "admin/problem.hpp"
#include "http/logic/problem.hpp"
#include "jobs/session/problem.hpp"

namespace fairing {
namespace {

std::string slurp(const std::string& path) {
  std::ifstream in(path);  // tests run in the repository's root
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_FALSE(text.str().empty()) << path;
  return text.str();
}

// The rows of the first table after `heading`, without its head.
std::string table_after(const std::string& page, const std::string& heading) {
  const auto at = page.find(heading);
  const auto rule = page.find("|---", at);
  if (at == std::string::npos || rule == std::string::npos) return "no table after " + heading;
  const auto begin = page.find('\n', rule) + 1;
  const auto end = page.find("\n\n", begin);
  return page.substr(begin, end - begin) + "\n";
}

TEST(reference_docs, problems_of_http_listeners) {
  std::string rows;
  for (const auto& p : http::all_problems())
    rows +=
        fmt::format("| `{}` | {} {} | {} | {} |\n", p.slug, p.status, p.reason, p.title, p.advice);
  EXPECT_EQ(table_after(slurp("docs/reference/problems.md"), "## On http listeners"), rows);
}

TEST(reference_docs, problems_of_the_admin_interface) {
  std::string rows;
  for (const auto& p : admin::all_problems())
    rows += fmt::format("| `{}` | {} | {} | {} |\n", p.slug, p.status, p.title, p.advice);
  EXPECT_EQ(table_after(slurp("docs/reference/problems.md"), "## On the admin interface"), rows);
}

TEST(reference_docs, problems_of_the_jobs_listener) {
  std::string rows;
  for (const auto& p : jobs::all_problems())
    rows += fmt::format("| `{}` | {} | {} | {} |\n", p.slug, p.status, p.title, p.advice);
  // The page's last table: its end is the page's.
  EXPECT_EQ(table_after(slurp("docs/reference/problems.md") + "\n", "## On the jobs listener"),
            rows);
}

}  // namespace
}  // namespace fairing
