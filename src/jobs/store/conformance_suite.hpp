// The suite of conformance_test.hpp, without its cases.
#pragma once

#include <utility>

#include "jobs/store/plane_under_test.hpp"

namespace fairing::jobs::test {

template <class Maker>
class jobs_conformance : public ::testing::Test {
 protected:
  plane_under_test plane(jobs_config c = {}) { return plane_under_test(maker_, std::move(c)); }
  // One queue with what the case needs.
  static jobs_config with(queue_config q) {
    jobs_config c;
    c.queues.push_back(std::move(q));
    return c;
  }
  store_maker maker_ = Maker::make();
};
TYPED_TEST_SUITE_P(jobs_conformance);

}  // namespace fairing::jobs::test
