// version: which Fairing this is. The same number as project() in CMakeLists.txt (tested).
#pragma once

#include <string_view>

namespace fairing {

inline constexpr std::string_view version = "0.1.0";

}  // namespace fairing
