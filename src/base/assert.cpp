#include "base/assert.hpp"

#include <cstdio>
#include <cstdlib>

#include "base/log.hpp"

namespace fairing {

namespace {
constinit std::atomic<bug_site*> first_site{nullptr};
}  // namespace

// Walks the sites that were hit; sites are static and only ever added at the front.
struct bug_list {
  template <class F>
  static void each(F&& f) {
    for (auto* site = first_site.load(std::memory_order_acquire); site != nullptr;
         site = site->next_)
      f(bug_report{site->name_, site->file_, site->line_,
                   site->count_.load(std::memory_order_relaxed)});
  }
};

void bug_site::hit() noexcept {
  if (count_.fetch_add(1, std::memory_order_relaxed) != 0) return;
  next_ = first_site.load(std::memory_order_relaxed);
  while (!first_site.compare_exchange_weak(next_, this, std::memory_order_release)) {
  }
  log::error("bug", {{"name", name_}, {"file", file_}, {"line", line_}});
}

std::uint64_t bug_count() noexcept {
  std::uint64_t total = 0;
  bug_list::each([&](const bug_report& report) { total += report.count; });
  return total;
}

std::vector<bug_report> bugs() {
  std::vector<bug_report> out;
  bug_list::each([&](const bug_report& report) { out.push_back(report); });
  return out;
}

void assertion_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
  std::abort();
}

void panic(std::string_view why, const char* file, int line) noexcept {
  std::fprintf(stderr, "%s:%d: panic: %.*s\n", file, line, static_cast<int>(why.size()),
               why.data());
  std::abort();
}

}  // namespace fairing
