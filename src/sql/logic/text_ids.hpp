// text_ids: how statistics know a statement's text; small, so that effects, entries and portals carry it as it is.
#pragma once

#include <cstdint>

#include "bus/write_sets.hpp"

namespace fairing::sql {

struct text_ids {
  std::uint32_t text = 0;     // 0: not looked at
  std::uint32_t table = 0;    // of a traced write: see write_shape
  std::uint64_t request = 0;  // bus::trace_key of the traceparent in it; 0: none
  std::uint64_t values = 0;   // of an execution under a watched trace; 0: not known
  bus::write_kind kind = bus::write_kind::none;  // of a text that bears such a trace
  bool relative = false;
};

}  // namespace fairing::sql
