// fairing_jobs_ceiling: what a disk and SQLite give at most, without sockets and rules, for the page that compares the
// jobs plane with them.
//
//   fairing_jobs_ceiling --what sync   --dir DIR --seconds 1                   # 4 KiB written, fdatasync, again
//   fairing_jobs_ceiling --what sqlite --dir DIR --seconds 1 --outstanding 64  # so many rows, one COMMIT, again
// The table of `sqlite` has a row of a job's size and one index; WAL, synchronous=FULL as the job store. Prints one line
// of JSON. Exit: 0 measured, 1 not, 2 wrong usage.
#include <fcntl.h>
#include <fmt/core.h>
#include <sqlite3.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "bench/lg/histogram.hpp"
#include "bench/lg/sockets.hpp"

namespace fairing::bench {
namespace {

struct plan {
  std::string what = "sync";
  std::string dir = ".";
  double seconds = 1;
  std::size_t outstanding = 64;
  std::size_t payload = 200;
};

class folder {
 public:
  explicit folder(const std::string& in) : path_(in + "/ceiling-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  ~folder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  [[nodiscard]] bool made() const noexcept { return !path_.empty(); }
  [[nodiscard]] std::string file(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Calls `once` for the time of the plan; false from it ends with a failure.
template <class F>
bool repeat(const plan& p, histogram& took, double& seconds, F once) {
  const auto start = now_ns();
  const auto end = start + static_cast<std::uint64_t>(p.seconds * 1e9);
  auto began = start;
  while (began < end) {
    if (!once()) return false;
    const auto now = now_ns();
    took.add(now - began);
    began = now;
  }
  seconds = static_cast<double>(began - start) / 1e9;
  return true;
}

// The file has its size before, as a log that is written anew: no write has to grow it.
bool measure_sync(const plan& p, const folder& in, histogram& took, double& seconds) {
  constexpr std::size_t block = 4096;
  constexpr off_t blocks = 1024;
  const std::string bytes(block, 'x');
  const int fd = ::open(in.file("log").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  const auto write_at = [&](off_t at) {
    return ::pwrite(fd, bytes.data(), block, at * static_cast<off_t>(block)) ==
           static_cast<ssize_t>(block);
  };
  bool good = true;
  for (off_t i = 0; i < blocks; ++i) good = good && write_at(i);
  good = good && ::fsync(fd) == 0;
  off_t at = 0;
  good = good && repeat(p, took, seconds, [&] {
           const bool done = write_at(at) && ::fdatasync(fd) == 0;
           at = (at + 1) % blocks;
           return done;
         });
  ::close(fd);
  return good;
}

bool execute(sqlite3* db, const char* text) {
  return sqlite3_exec(db, text, nullptr, nullptr, nullptr) == SQLITE_OK;
}

bool measure_sqlite(const plan& p, const folder& in, histogram& took, double& seconds) {
  sqlite3* db = nullptr;
  bool good =
      sqlite3_open(in.file("jobs.db").c_str(), &db) == SQLITE_OK &&
      execute(db,
              "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
              "PRAGMA wal_autocheckpoint = 8192; PRAGMA cache_size = -65536;"
              "CREATE TABLE job (id INTEGER PRIMARY KEY, queue, state, rank, payload BLOB);"
              "CREATE INDEX ready ON job (queue, rank) WHERE state = 0");
  std::array<sqlite3_stmt*, 3> made{};
  constexpr std::array texts{"BEGIN IMMEDIATE",
                             "INSERT INTO job (queue, state, rank, payload) VALUES (1, 0, ?1, ?2)",
                             "COMMIT"};
  for (std::size_t i = 0; i < made.size(); ++i)
    good = good && sqlite3_prepare_v2(db, texts[i], -1, &made[i], nullptr) == SQLITE_OK;
  const std::string body(p.payload + 80, 'x');  // and what else a job has
  std::int64_t rank = 0;
  const auto step = [](sqlite3_stmt* s) {
    const bool done = sqlite3_step(s) == SQLITE_DONE;
    sqlite3_reset(s);
    return done;
  };
  good =
      good && repeat(p, took, seconds, [&] {
        if (!step(made[0])) return false;
        for (std::size_t i = 0; i < p.outstanding; ++i) {
          sqlite3_bind_int64(made[1], 1, ++rank);
          sqlite3_bind_blob(made[1], 2, body.data(), static_cast<int>(body.size()), SQLITE_STATIC);
          if (!step(made[1])) return false;
        }
        return step(made[2]);
      });
  for (auto* s : made) sqlite3_finalize(s);
  sqlite3_close(db);
  return good;
}

int run(const plan& p) {
  const folder in(p.dir);
  histogram took;
  double seconds = 0;
  const bool sqlite = p.what == "sqlite";
  const bool good = in.made() && (sqlite ? measure_sqlite(p, in, took, seconds)
                                         : measure_sync(p, in, took, seconds));
  if (!good) {
    fmt::print(stderr, "fairing_jobs_ceiling: {} in {} failed: is it there, and is there room?\n",
               p.what, p.dir);
    return 1;
  }
  fmt::print(
      "{{\"commits\":{},\"jobs\":{},\"seconds\":{:.6f},\"p50_us\":{:.1f},\"p99_us\":{:.1f}}}\n",
      took.total(), sqlite ? took.total() * p.outstanding : 0, seconds, took.percentile_us(0.5),
      took.percentile_us(0.99));
  return 0;
}

}  // namespace
}  // namespace fairing::bench

int main(int argc, char** argv) {
  using namespace fairing::bench;
  CLI::App app("the limits of a disk and of SQLite");
  plan p;
  app.add_option("--what", p.what)->check(CLI::IsMember({"sync", "sqlite"}));
  app.add_option("--dir", p.dir, "a folder on the disk that is asked");
  app.add_option("--seconds", p.seconds)->check(CLI::PositiveNumber);
  app.add_option("--outstanding", p.outstanding, "rows a commit")->check(CLI::Range(1, 100'000));
  app.add_option("--payload", p.payload, "bytes of a row's");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return run(p);
}
