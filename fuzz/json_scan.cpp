// What json_scan accepts falls into parts that it accepts as well; what another reader accepts, it accepts too.
#include "base/json_scan.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "fuzz/support.hpp"

using namespace fairing;
using fairing::fuzz::require;

namespace {

// Every part is valid and inside of its whole; how deep the parts lie.
int visit(std::string_view whole) {
  require(json_valid(whole), "a part is valid");
  const auto text = json_string(whole);
  if (text) {
    std::string again;
    append_json_string(again, *text);
    require(json_string(again) == text, "a string can be written and read again");
  }
  json_walk walk(whole);
  if (!walk.is_object() && !walk.is_array()) return 0;
  require(!text && !json_integer(whole) && !json_boolean(whole), "a container is nothing else");
  int deepest = 0;
  std::size_t bytes = 0;
  std::string key;
  std::string_view value;
  while (walk.next(key, value)) {
    require(
        value.data() >= whole.data() && value.data() + value.size() <= whole.data() + whole.size(),
        "a part lies in its whole");
    bytes += value.size();
    deepest = std::max(deepest, visit(value));
  }
  require(bytes < whole.size(), "parts do not overlap");
  require(deepest < 64, "no deeper than 64");
  return deepest + 1;
}

int depth_of(const nlohmann::json& j) {
  int deepest = 0;
  if (!j.is_structured()) return deepest;
  for (const auto& part : j) deepest = std::max(deepest, depth_of(part));
  return deepest + 1;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fairing::fuzz::text_of(data, std::min<std::size_t>(size, 4096));
  if (json_valid(text)) {
    visit(text);
    return 0;
  }
  // The other reader skips a byte order mark, ends at a zero byte, and knows no bound of depth.
  if (text.starts_with("\xEF\xBB\xBF") || text.find('\0') != std::string_view::npos) return 0;
  const auto other = nlohmann::json::parse(text, nullptr, false);
  require(other.is_discarded() || depth_of(other) > 64,
          "refused only what is no JSON, or too deep");
  return 0;
}
