#include "http/session/answer.hpp"

namespace fairing::http {

namespace {
stored_ptr make_marker(stored_kind kind, std::shared_ptr<answer> a) {
  const auto cost = sizeof(stored_response) + sizeof(answer) + a->cost_bytes();
  return stored_ptr(new stored_response(kind, std::move(a), cost));
}
}  // namespace

stored_ptr make_stored(std::shared_ptr<const answer> a,
                       std::array<representation, compress::coding_count> codings) {
  auto cost = sizeof(stored_response) + sizeof(answer) + a->cost_bytes() + 64;
  for (const auto& r : codings)
    if (r.body) cost += r.body->cost_bytes();
  auto* made = new stored_response(stored_kind::response, std::move(a), cost);
  made->codings = std::move(codings);
  return stored_ptr(made);
}

stored_ptr make_vary_marker(vary_spec spec) {
  auto a = std::make_shared<answer>();
  a->vary = std::move(spec);
  return make_marker(stored_kind::vary_marker, std::move(a));
}

stored_ptr make_hit_for_miss(cache_reason reason) {
  auto a = std::make_shared<answer>();
  a->reason = reason;
  return make_marker(stored_kind::hit_for_miss, std::move(a));
}

}  // namespace fairing::http
