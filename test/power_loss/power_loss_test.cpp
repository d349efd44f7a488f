// The SQLite store under power cuts: what commit() answered ok to is there afterwards, a batch is there whole or not at
// all, and the file is sound. With synchronous=NORMAL it must not hold, else the test would see nothing. The same with
// syncs that fail before the power goes: what is acknowledged afterwards, by a store that was opened again, is there too.
//
//   power_loss_test [--gtest_filter=...]      FAIRING_POWER_SEED=7 FAIRING_POWER_ROUNDS=1000 for other and more cuts
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <random>

#include "jobs/store/sqlite/sqlite_store.hpp"
#include "power_loss_vfs.hpp"

namespace fairing::jobs::test {
namespace {

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

power_loss_vfs& disk() {
  static auto* installed = [] {
    auto* d = new power_loss_vfs;
    d->install();
    return d;
  }();
  return *installed;
}

// Jobs as they were acknowledged: id and how often it was changed.
using known_jobs = std::map<job_id, std::uint32_t>;

struct verdict {
  std::uint64_t lost = 0;     // acknowledged changes that are gone
  std::uint64_t partial = 0;  // batches of which some is there
  std::uint64_t broken = 0;   // files that cannot be opened, or fail integrity_check
  std::uint64_t acknowledged = 0;
  std::uint64_t refused = 0;  // batches, because a sync failed
};

// Writes until the power goes, looks at what is left, goes on with that.
class power_cuts {
 public:
  power_cuts(sqlite_sync sync, std::uint64_t seed) : sync_(sync), random_(seed) {
    // In memory where there is such a folder: the layer below is not what is tested.
    const bool in_memory = std::filesystem::is_directory("/dev/shm");
    std::string pattern = in_memory ? "/dev/shm" : std::filesystem::temp_directory_path().string();
    pattern += "/fairing-power-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    next_file();
  }
  ~power_cuts() { std::filesystem::remove_all(folder_); }
  power_cuts(const power_cuts&) = delete;
  power_cuts& operator=(const power_cuts&) = delete;

  // `calls`: writes and syncs until the cut; `body`: bytes of a payload; `failing`: syncs, some time before.
  void round(std::uint64_t calls, std::size_t body, std::uint64_t failing = 0) {
    if (jobs_.size() > 2'000 || files_are_large_) begin_anew();
    files_are_large_ = body > 30'000;
    in_flight_ = jobs_;
    disk().cut_after(calls, random_());
    {
      auto s = open_sqlite({.path = file_, .sync = sync_});
      if (!s) return is_broken("opening: " + s.error().message());
      // Somebody who looks at lists keeps SQLite's index of the log alive while the store is closed and opened again.
      std::unique_ptr<reader> people;
      if (failing > 0 && random_() % 2 == 0) {
        if (auto r = open_sqlite_reader(file_); r && (*r)->find({})) people = std::move(*r);
      }
      if (failing > 0) disk().fail_syncs(random_() % (calls / 4 + 1), failing);
      while (!write_until_the_cut(**s, body))
        if (!open_again(*s)) return begin_anew();
    }
    disk().fail_syncs(0, 0);  // what is left is looked at on a disk that works
    const auto left_of = file_;
    next_file();
    disk().restore(left_of, file_);
    const auto copy =
        folder_ /
        "copy.db";  // whose closing tidies its log; the next round finds it as it was left
    disk().restore(left_of, copy);
    for (const auto* end : {"", "-wal", "-shm", "-lock"}) std::filesystem::remove(left_of + end);
    look(copy);
    for (const auto* end : {"", "-wal", "-shm"}) std::filesystem::remove(copy.string() + end);
  }

  verdict seen;

 private:
  void next_file() { file_ = folder_ / ("jobs" + std::to_string(++files_) + ".db"); }
  void begin_anew() {
    next_file();
    jobs_.clear();
    in_flight_.clear();
  }
  void is_broken(const std::string& why) {
    if (++seen.broken <= 5) std::cout << "broken: " << why << '\n';
    begin_anew();
  }
  std::string body_of(job_id id, std::size_t size) const {
    return std::to_string(id) + std::string(size, static_cast<char>('a' + id % 26));
  }

  // False: a sync failed, and the batch with it.
  bool write_until_the_cut(store& s, std::size_t body) {
    while (!disk().cut()) {
      in_flight_ = jobs_;
      if (!s.begin()) return false;
      put_some(s, body);
      const auto r = s.commit();
      if (disk().cut()) return true;
      if (!r) {
        EXPECT_EQ(r.error().code, errc::unknown_outcome) << r.error().message();
        return false;
      }
      seen.acknowledged += in_flight_.size() - jobs_.size();
      jobs_ = in_flight_;
      s.upkeep();
    }
    return true;
  }

  void put_some(store& s, std::size_t body) {
    const auto queue = s.add_queue("q");
    ASSERT_TRUE(queue);
    for (auto n = 1 + random_() % 4; n > 0; --n) {
      const job_id id = ++last_id_;
      ASSERT_TRUE(s.put({.id = id, .queue = *queue, .payload = body_of(id, body)}));
      in_flight_[id] = 0;
    }
    for (auto n = random_() % 4; n > 0 && !jobs_.empty(); --n) {
      const auto id = std::min(last_id_, jobs_.begin()->first + random_() % jobs_.size());
      const auto at = in_flight_.find(id);
      if (at == in_flight_.end()) continue;
      const job changed{.id = id, .queue = *queue, .attempt = ++at->second};
      ASSERT_TRUE(s.save(changed, +part::state));
    }
  }

  // As the writer does: closed, and opened until it can be. What it says is there then must stay. False: not in time.
  bool open_again(std::unique_ptr<store>& s) {
    ++seen.refused;
    std::string why;
    for (int tries = 0; tries < 20; ++tries) {
      s.reset();
      auto again = open_sqlite({.path = file_, .sync = sync_});
      if (!again) {
        why = again.error().message();
        continue;
      }
      s = std::move(*again);
      const auto found = read_all(*s);
      EXPECT_TRUE(found == jobs_ || found == in_flight_ || disk().cut());
      if (!disk().cut()) jobs_ = in_flight_ = found;
      return true;
    }
    ADD_FAILURE() << "the store did not open again: " << why;
    return false;
  }

  // What was acknowledged when the power went, or that and the whole batch in flight.
  void look(const std::string& file) {
    {
      auto db = sqlite::database::open(file, sqlite::database::mode::writes);
      const auto faults = db ? db->number(
                                   "SELECT count(*) FROM pragma_integrity_check "
                                   "WHERE integrity_check <> 'ok'")
                             : std::unexpected(db.error());
      if (!faults || *faults != 0)
        return is_broken("integrity_check: " +
                         (faults ? std::to_string(*faults) + " faults" : faults.error().message()));
    }
    auto s = open_sqlite({.path = file, .sync = sync_});
    if (!s) return is_broken("opening what is left: " + s.error().message());
    const auto found = read_all(**s);
    std::uint64_t lost = 0;
    for (const auto& [id, changes] : jobs_) {
      const auto at = found.find(id);
      lost += at == found.end() || at->second < changes ? 1U : 0U;
    }
    seen.lost += lost;
    if (lost == 0 && found != jobs_ && found != in_flight_) ++seen.partial;
    jobs_ = found;
  }

  known_jobs read_all(store& s) {
    known_jobs found;
    for (job_id id = 1; id <= last_id_; ++id) {
      if (!in_flight_.contains(id)) continue;
      const auto j = s.load(id, true);
      if (!j) continue;
      found[id] = j->attempt;
      EXPECT_TRUE(j->payload.starts_with(std::to_string(id)));
      EXPECT_EQ(j->payload, body_of(id, j->payload.size() - std::to_string(id).size()));
    }
    return found;
  }

  sqlite_sync sync_;
  std::mt19937_64 random_;
  std::filesystem::path folder_;
  std::string file_;
  std::uint64_t files_ = 0;
  bool files_are_large_ = false;
  job_id last_id_ = 0;
  known_jobs jobs_;       // acknowledged when the power went
  known_jobs in_flight_;  // and with the batch in hand
};

verdict run(sqlite_sync sync, bool syncs_fail = false) {
  const auto seed = setting("FAIRING_POWER_SEED", 1);
  const auto rounds = setting("FAIRING_POWER_ROUNDS", 200);
  std::cout << "seed " << seed << ", " << rounds << " power cuts\n";
  power_cuts cuts(sync, seed);
  std::mt19937_64 random(seed);
  for (std::uint64_t i = 0; i < rounds; ++i) {
    // Mostly soon after the last cut, in recovery or the first batches; now and then so late that the log has been
    // copied into the file meanwhile, or is being copied.
    const auto failing = syncs_fail ? 1 + random() % 4 : 0;
    if (i % 20 == 19)
      cuts.round(16'000 + random() % 10'000, 60'000, failing);
    else
      cuts.round(1 + random() % 400, random() % 5 == 0 ? 20'000 : random() % 200, failing);
    if (::testing::Test::HasFatalFailure()) break;
  }
  const auto& t = disk().seen();
  std::cout << cuts.seen.acknowledged << " jobs acknowledged, " << cuts.seen.lost
            << " changes lost; unsynced writes kept " << t.kept << ", dropped " << t.dropped
            << ", torn " << t.torn << "; " << t.in_checkpoint << " cuts in a checkpoint\n";
  return cuts.seen;
}

TEST(power_loss, nothing_acknowledged_is_lost_with_full_syncs) {
  const auto seen = run(sqlite_sync::full);
  EXPECT_EQ(seen.lost, 0);
  EXPECT_EQ(seen.partial, 0);
  EXPECT_EQ(seen.broken, 0);
  EXPECT_GT(seen.acknowledged, 0);
  EXPECT_GT(disk().seen().torn, 0) << "the cuts tore nothing";
  EXPECT_GT(disk().seen().dropped, 0) << "the cuts dropped nothing";
  EXPECT_GT(disk().seen().in_checkpoint, 0) << "no cut came while the log was copied";
}

TEST(power_loss, syncs_that_fail_cost_nothing_that_is_acknowledged_later) {
  const auto seen = run(sqlite_sync::full, true);
  EXPECT_EQ(seen.lost, 0);
  EXPECT_EQ(seen.partial, 0);
  EXPECT_EQ(seen.broken, 0);
  EXPECT_GT(seen.acknowledged, 0);
  EXPECT_GT(seen.refused, 0) << "no sync failed in a commit";
  EXPECT_GT(disk().seen().failed_syncs, seen.refused) << "none failed elsewhere";
}

// The other side: without a sync a commit the same cuts lose jobs, so the test above would see it. The file stays sound.
TEST(power_loss, acknowledged_jobs_are_lost_with_normal_syncs) {
  const auto seen = run(sqlite_sync::normal);
  EXPECT_GT(seen.lost, 0) << "NORMAL lost nothing: the power cuts do not cut";
  EXPECT_EQ(seen.broken, 0);
}

}  // namespace
}  // namespace fairing::jobs::test
