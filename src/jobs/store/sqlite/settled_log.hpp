// settled_log: the log of a SQLite file, made sure of before SQLite believes it.
//
// Problem: an fsync that failed leaves pages that are in the kernel's cache, count as written, and are on no disk; the
// next fsync says that all is well. Whoever opens the file then, this process or its successor, finds those commits in
// the log, puts its own behind them and syncs these; after a power cut the log ends at the hole before them, and what was
// acknowledged since is gone. So the log is written over with what it says, and synced: it is on the disk then, or that
// sync fails as well and the store is not opened.
//
// Flow:  if (auto r = settle_log(path); !r) return r;   // before the file is opened, with its lock held
// Errors: errc::fenced, errc::full. Cost: the log once, 64 MiB at most; nothing after an orderly end, which leaves none.
// Through SQLite's file layer, so that tests of power loss see it. Threads: any; a log that is being written to: no.
// Source: "Can Applications Recover from fsync Failures?" (USENIX ATC 2020).
#pragma once

#include <string>

#include "base/result.hpp"

namespace fairing::jobs::sqlite {

[[nodiscard]] result<void> settle_log(const std::string& path);

}  // namespace fairing::jobs::sqlite
