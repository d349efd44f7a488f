// The suite of all stores on SQLite, and what only SQLite has: locks, versions, modes, checkpoints.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

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
  // An empty one that is there.
  [[nodiscard]] std::string made(const std::string& name = "jobs.db") const {
    std::ofstream{file(name)};
    return file(name);
  }

 private:
  std::filesystem::path folder_;
};

struct on_sqlite {
  static std::unique_ptr<store> at(const std::string& path) {
    auto s = open_sqlite({.path = path, .sync = sqlite_sync::off});
    EXPECT_TRUE(s) << s.error().message();
    return s ? std::move(*s) : nullptr;
  }
  static store_maker make() {
    auto folder = std::make_shared<scratch>();
    return [folder] { return at(folder->file()); };
  }
};
INSTANTIATE_TYPED_TEST_SUITE_P(sqlite, jobs_conformance, on_sqlite);

TEST(sqlite_store, one_process_has_the_file_and_nobody_else_may_read_it) {
  const scratch folder;
  const auto first = open_sqlite({.path = folder.file()});
  ASSERT_TRUE(first) << first.error().message();
  const auto second = open_sqlite({.path = folder.file()});
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().detail.find("process " + std::to_string(::getpid())), std::string::npos);
  for (const auto* suffix : {"", "-wal", "-lock"}) {
    const auto mode = std::filesystem::status(folder.file() + suffix).permissions();
    EXPECT_EQ(mode, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)
        << suffix;
  }
}

TEST(sqlite_store, newer_files_and_others_files_are_refused) {
  const scratch folder;
  ASSERT_TRUE(open_sqlite({.path = folder.file()}));
  {
    auto db = sqlite::database::open(folder.file(), sqlite::database::mode::writes);
    ASSERT_TRUE(db->execute("PRAGMA user_version = 99"));
    auto other = sqlite::database::open(folder.made("other.db"), sqlite::database::mode::writes);
    ASSERT_TRUE(other->execute("CREATE TABLE t (a)"));
  }
  const auto newer = open_sqlite({.path = folder.file()});
  ASSERT_FALSE(newer);
  EXPECT_NE(newer.error().detail.find("newer"), std::string::npos);
  const auto other = open_sqlite({.path = folder.file("other.db")});
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().detail.find("another program"), std::string::npos);
  EXPECT_FALSE(open_sqlite({.path = folder.file("none/jobs.db")}));
}

// What a backlog leaves in the file is room for the next one, and goes back to a disk that has little.
TEST(sqlite_store, pages_that_are_free_again_are_room) {
  const scratch folder;
  const auto s = on_sqlite::at(folder.file());
  ASSERT_NE(s, nullptr);
  const auto free_bytes = [&] {
    EXPECT_TRUE(s->begin());
    const auto n = s->free_bytes();
    EXPECT_TRUE(s->commit());
    return n;
  };
  std::vector<job_id> ids;
  for (job_id id = 1; id <= 60; ++id) {
    ASSERT_TRUE(s->begin());
    ASSERT_TRUE(s->put({.id = id, .queue = 1, .payload = std::string(1'000'000, 'x')}));
    ASSERT_TRUE(s->commit());
    ids.push_back(id);
  }
  const auto pages = [&] {
    auto db = sqlite::database::open(folder.file(), sqlite::database::mode::reads);
    EXPECT_TRUE(db);
    return std::pair{*db->number("PRAGMA page_count"), *db->number("PRAGMA freelist_count")};
  };
  ASSERT_TRUE(s->begin());
  ASSERT_TRUE(s->erase(ids));
  ASSERT_TRUE(s->commit());
  struct statvfs disk{};
  ASSERT_EQ(::statvfs(folder.file().c_str(), &disk), 0);
  const auto [before, unused] = pages();
  EXPECT_GT(unused, 14'000);
  // Others use the disk meanwhile, but hardly that much.
  EXPECT_GT(free_bytes(), disk.f_bavail * disk.f_frsize + 40'000'000);
  EXPECT_FALSE(s->wants_upkeep());
  s->keep_free(std::uint64_t{1} << 60);
  (void)free_bytes();
  int calls = 0;
  for (; s->wants_upkeep() && calls < 100; ++calls) s->upkeep();
  EXPECT_LT(calls, 40);
  EXPECT_LT(pages().second, 5'000);
  EXPECT_LT(pages().first, before / 2);
}

// A log that grows under commits begins anew: the thread copies, upkeep() does the last bit.
TEST(sqlite_store, a_file_that_is_no_database_is_named) {
  const scratch folder;
  std::ofstream(folder.file()) << std::string(8'192, 'x');
  const auto no = open_sqlite({.path = folder.file()});
  ASSERT_FALSE(no);
  EXPECT_NE(no.error().detail.find(folder.file()), std::string::npos) << no.error().detail;
  EXPECT_NE(no.error().detail.find("name another file in jobs.store"), std::string::npos);
}

TEST(sqlite_store, a_file_that_goes_while_it_is_in_use_takes_no_more_jobs) {
  const scratch folder;
  const auto path = folder.file();
  {
    const auto s = open_sqlite({.path = path}).value();
    ASSERT_TRUE(s->begin());
    s->rollback();
    std::filesystem::rename(path, folder.file("away.db"));
    auto begun = s->begin();
    while (begun) {  // until the next look
      s->rollback();
      begun = s->begin();
    }
    EXPECT_EQ(begun.error().code, errc::fenced);
    EXPECT_NE(begun.error().detail.find(path + " was removed or replaced"), std::string::npos);
  }
  const auto gone = open_sqlite({.path = path, .create = false});
  ASSERT_FALSE(gone);
  EXPECT_NE(gone.error().detail.find("put it back"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(path));
  std::filesystem::rename(folder.file("away.db"), path);
  EXPECT_TRUE(open_sqlite({.path = path, .create = false}));
}

TEST(sqlite_store, the_log_stays_bounded) {
  const scratch folder;
  auto s = open_sqlite({.path = folder.file(), .sync = sqlite_sync::off});
  ASSERT_TRUE(s);
  auto& st = **s;
  ASSERT_TRUE(st.begin());
  const auto queue = st.add_queue("q");
  ASSERT_TRUE(st.commit());
  // It has begun anew when commits no longer make it longer.
  int unchanged = 0;
  std::uintmax_t size = 0;
  for (job_id id = 1; id <= 20'000 && unchanged < 20; ++id) {
    ASSERT_TRUE(st.begin());
    ASSERT_TRUE(st.put({.id = id, .queue = *queue, .payload = std::string(60'000, 'x')}));
    ASSERT_TRUE(st.commit());
    st.upkeep();
    const auto now = std::filesystem::file_size(folder.file() + "-wal");
    unchanged = now == size ? unchanged + 1 : 0;
    size = now;
  }
  EXPECT_EQ(unchanged, 20);
  EXPECT_GT(std::filesystem::file_size(folder.file()), 20'000'000);
}

TEST(sqlite_store, a_full_disk_loses_the_batch_and_nothing_else) {
  const scratch folder;
  auto s = open_sqlite({.path = folder.file(), .sync = sqlite_sync::off});
  ASSERT_TRUE(s);
  auto& st = **s;
  ASSERT_TRUE(st.begin());
  const auto queue = st.add_queue("q");
  ASSERT_TRUE(st.put({.id = 1, .queue = *queue}));
  ASSERT_TRUE(st.commit());
  struct rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit little{200'000, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &little);
  auto begun = st.begin();
  auto put = st.put({.id = 2, .queue = *queue, .payload = std::string(1'000'000, 'x')});
  auto committed = put ? st.commit() : put;
  ::setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_TRUE(begun);
  ASSERT_FALSE(committed);
  st.rollback();
  // A write that the kernel refuses for the file's size is an IO error to SQLite, and no room to us.
  EXPECT_EQ(committed.error().code, errc::full) << committed.error().message();
  s->reset();
  s = open_sqlite({.path = folder.file(), .sync = sqlite_sync::off});
  ASSERT_TRUE(s) << s.error().message();
  EXPECT_TRUE((*s)->load(1, true));
  EXPECT_EQ((*s)->load(2, true).error().code, errc::not_found);
}

// The leaves of index `i` as SQLite itself lists them, in the index's order.
std::vector<std::uint32_t> leaves_by_dbstat(sqlite::database& db) {
  std::vector<std::uint32_t> out;
  auto s =
      db.prepare("SELECT pageno FROM dbstat WHERE name = 'i' AND pagetype = 'leaf' ORDER BY path");
  while (s && s->step().value_or(false)) out.push_back(static_cast<std::uint32_t>(s->number(0)));
  return out;
}

TEST(read_ahead, knows_all_leaves_of_an_index) {
  const scratch folder;
  auto db = sqlite::database::open(folder.made(), sqlite::database::mode::writes);
  ASSERT_TRUE(db);
  // Long keys make an index deep: five levels at the end.
  ASSERT_TRUE(db->execute("CREATE TABLE job (k TEXT); CREATE INDEX i ON job (k)"));
  for (const int rows : {0, 1, 20, 300, 3'000, 20'000}) {
    ASSERT_TRUE(db->execute(
        "DELETE FROM job; WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n "
        "WHERE x < " +
        std::to_string(rows) +
        ") INSERT INTO job "
        "SELECT printf('%0700d', (x * 7919) % 20011) FROM n WHERE " +
        std::to_string(rows) + " > 0"));
    const auto root = db->number("SELECT rootpage FROM sqlite_schema WHERE name = 'i'");
    ASSERT_TRUE(root);
    const auto leaves =
        sqlite::index_leaves(*db, static_cast<std::uint32_t>(*root), sqlite::most_leaves);
    EXPECT_EQ(leaves, leaves_by_dbstat(*db)) << rows;
    EXPECT_EQ(leaves.size() > 1, rows > 10);
    EXPECT_LE(sqlite::index_leaves(*db, static_cast<std::uint32_t>(*root), 7).size(), 7);
  }
}

TEST(read_ahead, what_is_no_index_ends_it) {
  const scratch folder;
  auto db = sqlite::database::open(folder.made(), sqlite::database::mode::writes);
  ASSERT_TRUE(db);
  ASSERT_TRUE(db->execute("CREATE TABLE job (k TEXT); CREATE INDEX i ON job (k)"));
  EXPECT_EQ(sqlite::index_leaves(*db, 0, 10), std::vector<std::uint32_t>{0});
  EXPECT_EQ(sqlite::index_leaves(*db, 1, 10), std::vector<std::uint32_t>{1});
  EXPECT_EQ(sqlite::index_leaves(*db, 2, 10), std::vector<std::uint32_t>{2});
  EXPECT_EQ(sqlite::index_leaves(*db, 4'000'000'000, 10),
            std::vector<std::uint32_t>{4'000'000'000});
  const auto nothing = sqlite::mapped_file::of(-1);
  nothing.will_need(0, 4096);
  sqlite::read_ahead(*db, nothing);
}

// Page 3 is an inner page whose cells lie beyond it.
TEST(read_ahead, a_damaged_page_is_not_followed) {
  const scratch folder;
  std::string file(3 * 4096, '\xff');
  {
    auto db = sqlite::database::open(folder.made(), sqlite::database::mode::writes);
    ASSERT_TRUE(db);
    ASSERT_TRUE(db->execute(
        "PRAGMA page_size = 4096; CREATE TABLE job (k TEXT); CREATE INDEX i ON job (k)"));
    std::ifstream(folder.file(), std::ios::binary).read(file.data(), 3 * 4096);
  }
  for (const std::size_t cells : {std::size_t{0}, std::size_t{1}, std::size_t{2'041},
                                  std::size_t{2'042}, std::size_t{65'535}}) {
    file.resize(2 * 4096);
    std::string page(4096, '\xff');
    page[0] = '\x02';
    page[3] = static_cast<char>(cells >> 8);
    page[4] = static_cast<char>(cells & 0xff);
    std::ofstream(folder.file(), std::ios::binary) << file << page;
    auto db = sqlite::database::open(folder.file(), sqlite::database::mode::writes);
    ASSERT_TRUE(db);
    EXPECT_LE(sqlite::index_leaves(*db, 3, 10).size(), 1) << cells;
  }
}

class reading : public ::testing::Test {
 protected:
  scratch folder_;
  store_maker maker_ = [this]() -> std::unique_ptr<store> {
    auto s = open_sqlite({.path = folder_.file(), .sync = sqlite_sync::off});
    return s ? std::move(*s) : nullptr;
  };
};

TEST_F(reading, finds_by_what_people_know) {
  plane_under_test p(maker_);
  std::vector<job_id> ids;
  for (int i = 0; i < 30; ++i) {
    const auto n = std::to_string(i);
    ids.push_back(p.put(i % 2 == 0 ? "mails" : "files", new_job{.payload = "order-" + n,
                                                                .key = "tenant" + n,
                                                                .attempts = {seconds{0}},
                                                                .trace = "trace" + n}));
  }
  for (auto& j : p.take_some("mails", 5))
    ASSERT_TRUE(p.failed(j, "user " + std::to_string(j.work.id) + " unknown"));
  auto r = open_sqlite_reader(folder_.file());
  ASSERT_TRUE(r) << r.error().message();
  auto& read = **r;
  const auto only = [&](const job_query& q) {
    const auto page = read.find(q);
    EXPECT_TRUE(page) << page.error().message();
    return page && page->items.size() == 1 ? page->items[0].id : 0;
  };
  EXPECT_EQ(only({.text = id_text(ids[7])}), ids[7]);
  EXPECT_EQ(only({.text = "order-17"}), ids[17]);
  EXPECT_EQ(only({.text = "tenant29"}), ids[29]);
  EXPECT_EQ(only({.text = "trace11"}), ids[11]);
  EXPECT_EQ(only({.state = job_state::dead, .text = std::to_string(ids[4]) + " unknown"}), ids[4]);
  EXPECT_EQ(read.find({.queue = 1, .state = job_state::queued})->items.size(), 10);
  EXPECT_EQ(read.find({.queue = 1, .state = job_state::dead})->items.size(), 5);
  EXPECT_EQ(read.find({.queue = 2, .state = job_state::dead})->items.size(), 0);
  EXPECT_EQ(read.find({.error = "user ID unknown"})->items.size(), 5);
  EXPECT_EQ(read.load(ids[3])->payload, "order-3");
  const auto groups = read.errors(std::nullopt, 10);
  ASSERT_EQ(groups->size(), 1);
  EXPECT_EQ(groups->front().error, "user ID unknown");
  EXPECT_EQ(groups->front().count, 5);
}

TEST_F(reading, pages_cover_everything_once) {
  plane_under_test p(maker_);
  for (int i = 0; i < 25; ++i) p.put("mails", new_job{.attempts = {seconds{0}}});
  for (auto& j : p.take_some("mails", 25)) ASSERT_TRUE(p.failed(j));
  auto r = open_sqlite_reader(folder_.file());
  ASSERT_TRUE(r);
  for (const auto state : {std::optional<job_state>{}, std::optional{job_state::dead}}) {
    job_query q{.queue = 1, .state = state, .most = 10};
    std::vector<job_id> seen;
    do {
      const auto page = (*r)->find(q);
      ASSERT_TRUE(page);
      for (const auto& j : page->items) seen.push_back(j.id);
      q.after = page->next;
    } while (!q.after.empty());
    EXPECT_EQ(seen.size(), 25);
    EXPECT_TRUE(std::ranges::is_sorted(seen, std::greater<>()));
  }
  EXPECT_EQ((*r)->find({.after = "nonsense"}).error().code, errc::bad_request);
}

}  // namespace fairing::jobs::test
