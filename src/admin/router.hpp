// router: a request of the admin interface to its answer, without sockets.
//
// Problem: who may ask for what is decided before a body is read, and what may block must not run
// on a core; both are seen from the outside, so that they can be tested.
//
// Flow:
//   auto p = router.admit(request);              // head only
//   if (p.refusal) send it and close if a body follows
//   read the body; if (p.later) auto now = router.begin(p, request, done);      // nullopt: `done` gets it
//   else auto answer = p.on_worker ? (thread "admin") router.answer(p, request)
//                                            : router.answer(p, request);
// Threads: any; immutable. Never throws: what a view throws becomes a 500.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "admin/message.hpp"
#include "admin/views.hpp"

namespace fairing::admin {

struct endpoint;  // a line of the router's table

struct plan {
  std::optional<response> refusal;
  const endpoint* target = nullptr;  // without refusal
  bool on_worker = false;            // answer() may block
  bool later = false;  // begin() instead of answer(): it may wait for long, and blocks nobody
};

class router {
 public:
  router(admin_views views, access_policy access)
      : views_(std::move(views)), access_(std::move(access)) {}

  [[nodiscard]] plan admit(const request& r) const;
  [[nodiscard]] response answer(const plan& p, const request& r) const noexcept;
  [[nodiscard]] std::optional<response> begin(const plan& p, const request& r,
                                              answer_later done) const noexcept;
  // Both steps; not of a plan that says `later`.
  [[nodiscard]] response handle(const request& r) const;

 private:
  [[nodiscard]] std::optional<response> check_access(const request& r, const endpoint& e) const;

  admin_views views_;
  access_policy access_;
};

}  // namespace fairing::admin
