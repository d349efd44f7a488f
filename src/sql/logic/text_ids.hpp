// text_ids: how statistics know a statement's text; small, so that effects, entries and portals carry it as it is.
#pragma once

#include <cstdint>

namespace fairing::sql {

struct text_ids {
  std::uint32_t text = 0;     // 0: not looked at
  std::uint32_t request = 0;  // of the traceparent in it; 0: none
};

}  // namespace fairing::sql
