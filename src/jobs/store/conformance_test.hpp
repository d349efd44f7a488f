// conformance: the cases that every store has to pass, through the engine's rules and directly.
//
// Problem: the rules are written once, the stores are many: what a rule needs of a store must be the same in each.
//
// Flow, in the test program of a store:
//   struct my_store { static store_maker make(const std::string& name); };     // a fresh store a name
//   INSTANTIATE_TYPED_TEST_SUITE_P(mine, jobs_conformance, my_store);
// Threads: one.
#pragma once

#include "jobs/store/plane_under_test.hpp"

namespace fairing::jobs::test {

template <class Maker>
class jobs_conformance : public ::testing::Test {
 protected:
  plane_under_test plane(jobs_config c = {}) { return plane_under_test(maker_, std::move(c)); }
  store_maker maker_ = Maker::make();
};
TYPED_TEST_SUITE_P(jobs_conformance);

}  // namespace fairing::jobs::test

#include "jobs/store/conformance_cycle.hpp"
