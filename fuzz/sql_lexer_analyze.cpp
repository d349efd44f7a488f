// Ranges stay inside the text; another literal of the same kind leaves the template as it was; the
// printed template is its own template; a dropped comment leaves no trace of itself.
#include <string>

#include "codec/sql_lexer/analyzer.hpp"
#include "codec/sql_lexer/comment.hpp"
#include "fuzz/support.hpp"

using namespace fairing::codec::sql_lexer;
using fairing::fuzz::require;

namespace {

void inside(text_range r, std::size_t size) {
  require(r.begin <= r.end && r.end <= size, "range inside the text");
}

// The text with every slot replaced by another of its kind.
std::string with_other_values(std::string_view text, std::span<const slot> slots) {
  std::string out;
  std::size_t at = 0;
  for (const auto& s : slots) {
    require(s.begin >= at && s.end > s.begin && s.end <= text.size(), "slots in order");
    out.append(text.substr(at, s.begin - at));
    switch (s.kind) {
      case slot_kind::string:
        out += " $$other$$ ";
        break;
      case slot_kind::number:
        out += " 4711 ";
        break;
      case slot_kind::bits:
        out += " x'4711'/**/ ";
        break;
      case slot_kind::parameter:
        out += " $4711 ";
    }
    at = s.end;
  }
  out.append(text.substr(at));
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fairing::fuzz::text_of(data, size);
  static analyzer a;
  a.run(text);
  for (const auto& st : a.statements()) {
    inside(st.all, size);
    inside(st.name, size);
    inside(st.value, size);
    inside(st.inner, size);
    require(name_of(text, st).size() <= 2 * size + 32, "name bounded");
  }
  for (const auto& r : a.relations().relations()) inside(r.name, size);

  const auto found = read_trace_comment(text);
  inside(found.front, size);
  inside(found.back, size);
  std::string route;
  static_cast<void>(route_of(text, found, route));
  require(route.size() <= 256, "route bounded");

  const auto& shape = a.shape();
  if (!shape.complete() || shape.slots().size() != shape.slot_count()) return 0;
  const auto hash = shape.hash();
  const std::string normal(shape.normal_form());
  std::string printed;
  shape.print(printed, 1 << 20);
  const auto other = with_other_values(text, shape.slots());
  const auto bare = text_without(text, found);
  a.run(other, part::shape);
  require(shape.normal_form() == normal && shape.hash() == hash, "other values, same template");
  a.run(printed, part::shape);
  require(shape.normal_form() == normal && shape.hash() == hash, "printed, same template");
  a.run(bare, part::shape);
  require(shape.normal_form() == normal && shape.hash() == hash, "no comment, same template");
  return 0;
}
