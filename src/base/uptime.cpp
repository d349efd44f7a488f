#include "base/uptime.hpp"

#include <ctime>
#include <fstream>

namespace fairing {

uptime read_uptime() {
  timespec ts{};
  ::clock_gettime(CLOCK_BOOTTIME, &ts);
  uptime out{{}, static_cast<std::int64_t>(ts.tv_sec) * 1000 + ts.tv_nsec / 1'000'000};
  std::ifstream in("/proc/sys/kernel/random/boot_id");
  in >> out.boot;
  return out;
}

}  // namespace fairing
