#include "pool/pool_types.hpp"

#include <gtest/gtest.h>

namespace fairing::pool {
namespace {

TEST(pool_types, every_reason_has_its_words) {
  for (std::size_t i = 0; i < pin_reasons; ++i)
    EXPECT_FALSE(sentence(static_cast<pin_reason>(i)).empty());
  for (std::size_t i = 0; i < close_reasons; ++i)
    EXPECT_FALSE(sentence(static_cast<close_reason>(i)).empty());
  for (std::size_t i = 0; i < refusals; ++i)
    EXPECT_FALSE(sentence(static_cast<refusal>(i)).empty());
  EXPECT_EQ(name(pin_reason::session_mode), "session_mode");
  EXPECT_EQ(name(close_reason::open_failed), "open_failed");
  EXPECT_EQ(name(refusal::draining), "draining");
  EXPECT_EQ(name(server_state::closing), "closing");
}

}  // namespace
}  // namespace fairing::pool
