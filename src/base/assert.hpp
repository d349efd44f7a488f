// assert: what to do when the code itself is wrong; what a peer sent is a handled error instead.
//
// FAIRING_ASSERT(condition): an invariant, checked in debug builds and tests only. Prints, aborts.
// FAIRING_BUG("name"): should not happen, but it is safe to go on. Logged once a site, counted, red
// on the checklist; the caller then takes its safe path.
// FAIRING_PANIC("why"): state is lost, going on could give a wrong answer. Prints and aborts.
//
// Flow:  if (it == table.end()) { FAIRING_BUG("fill_without_entry"); return; }
// Threads: any.
// Cost of FAIRING_BUG after its first time at a site: one relaxed increment.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fairing {

// One FAIRING_BUG in the source. Static storage only.
class bug_site {
 public:
  constexpr bug_site(const char* name, const char* file, int line) noexcept
      : name_(name), file_(file), line_(line) {}
  void hit() noexcept;

 private:
  friend struct bug_list;
  const char* name_;
  const char* file_;
  int line_;
  std::atomic<std::uint64_t> count_{0};
  bug_site* next_ = nullptr;  // in the list of sites that were hit; set once, before publication
};

struct bug_report {
  std::string_view name;  // as given to FAIRING_BUG
  std::string_view file;
  int line;
  std::uint64_t count;
};

// Hits of all sites since the start, and the sites that were hit (newest first). Any thread; not
// hot.
[[nodiscard]] std::uint64_t bug_count() noexcept;
[[nodiscard]] std::vector<bug_report> bugs();

[[noreturn]] void assertion_failed(const char* condition, const char* file, int line) noexcept;
[[noreturn]] void panic(std::string_view why, const char* file, int line) noexcept;

}  // namespace fairing

#define FAIRING_BUG(name)                                                             \
  do {                                                                                \
    static constinit ::fairing::bug_site fairing_bug_site_{name, __FILE__, __LINE__}; \
    fairing_bug_site_.hit();                                                          \
  } while (false)

#define FAIRING_PANIC(why) ::fairing::panic(why, __FILE__, __LINE__)

#ifdef NDEBUG
// Not evaluated, but still compiled, so that it cannot rot.
#define FAIRING_ASSERT(condition) static_cast<void>(sizeof((condition) ? 1 : 0))
#else
#define FAIRING_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::fairing::assertion_failed(#condition, __FILE__, __LINE__))
#endif
