// The suite of all stores on SQLite, and what only SQLite has: locks, versions, modes, checkpoints.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "jobs/store/conformance_test.hpp"
#include "jobs/store/sqlite/sqlite_store.hpp"

namespace fairing::jobs::test {

// A folder that goes with the test.
class scratch {
 public:
  scratch() {
    std::string pattern = std::filesystem::temp_directory_path() / "fairing-jobs-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~scratch() { std::filesystem::remove_all(folder_); }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  [[nodiscard]] std::string file(const std::string& name = "jobs.db") const {
    return folder_ / name;
  }

 private:
  std::filesystem::path folder_;
};

struct on_sqlite {
  static store_maker make() {
    auto folder = std::make_shared<scratch>();
    return [folder]() -> std::unique_ptr<store> {
      auto s = open_sqlite({.path = folder->file(), .sync = sqlite_sync::off});
      EXPECT_TRUE(s) << s.error().message();
      return s ? std::move(*s) : nullptr;
    };
  }
};
INSTANTIATE_TYPED_TEST_SUITE_P(sqlite, jobs_conformance, on_sqlite);

}  // namespace fairing::jobs::test
