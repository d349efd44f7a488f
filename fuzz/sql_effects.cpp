// What is said of a text's effects: the same when it is asked again, when it is remembered, when a text that differs in
// plain literals alone is remembered, and with a comment in front; a statement in front of it takes no effect away, so
// that nothing can hide behind others.
#include <string>

#include "fuzz/support.hpp"
#include "sql/logic/effects.hpp"

using namespace fairing::sql;
namespace lex = fairing::codec::sql_lexer;
using fairing::fuzz::require;

namespace {

effects of(std::string_view text) {
  static fairing::codec::sql_lexer::analyzer a;
  a.run(text);
  return effects_of(text, a);
}

const std::vector<std::string> no_names;

bool same(const effects& a, const effects& b) {
  return a.leaves_state == b.leaves_state && a.ddl == b.ddl &&
         a.reads_sequences == b.reads_sequences && a.touches_sequences == b.touches_sequences &&
         a.makes_sequences == b.makes_sequences && a.opens_link == b.opens_link &&
         a.names_statements == b.names_statements && a.drops_statements == b.drops_statements &&
         a.pin == b.pin && a.unlisted == b.unlisted && a.sets_unknown == b.sets_unknown &&
         a.sets_by_parameter == b.sets_by_parameter &&
         (a.sets ? a.sets->names : no_names) == (b.sets ? b.sets->names : no_names);
}

bool covers(const effects& a, const effects& b) {
  return (a.leaves_state || !b.leaves_state) && (a.ddl || !b.ddl) &&
         (a.reads_sequences || !b.reads_sequences) && (a.names_statements || !b.names_statements) &&
         (a.unlisted || !b.unlisted);
}

// Ids that tell the template; where texts share an outline it is looked at that they share this, too.
class template_hashes final : public text_names {
 public:
  text_ids on_text(const text_view&, const lex::analyzer& a) override {
    return {.request = a.shape().hash()};
  }
  void on_known(const text_view& t, text_ids ids) override {
    lex::analyzer a({.seed = seed});
    a.run(t.text);
    require(a.shape().hash() == ids.request, "one outline, one template");
    const auto slots = a.shape().slots();
    require(slots.size() == t.literals.size(), "each literal of the outline is a slot");
    for (std::size_t i = 0; i < slots.size(); ++i)
      require(slots[i].end == t.literals[i].end && slots[i].begin <= t.literals[i].begin,
              "and stands there");
  }
  static constexpr std::uint64_t seed = 4711;
};

// The text with other values for the literals of its outline; empty if it has none.
std::string with_other_values(std::string_view text) {
  static lex::outline o;
  if (!o.read(text)) return {};
  std::string out;
  std::size_t from = 0;
  for (const auto& l : o.literals()) {
    out.append(text.substr(from, l.begin - from));
    const auto value = text.substr(l.begin, l.end - l.begin);
    if (l.string)
      out += "'-- /* $$ \\ \" 7'";
    else
      out += value.find('.') == value.npos ? "1234567890123456789012" : "9.75";
    from = l.end;
  }
  return out.append(text.substr(from));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fairing::fuzz::text_of(data, size);
  static template_hashes names;
  static effects_cache cache(template_hashes::seed);
  cache.name_by(&names);
  const auto direct = of(text);
  require(same(cache.of(text), direct), "the cache says the same");
  require(same(cache.of(text), direct), "and again");
  if (const auto other = with_other_values(text); !other.empty())
    require(same(cache.of(other), of(other)), "so it is with other values");
  require(same(of("/* front */ " + std::string(text)), direct), "a comment changes nothing");
  std::string behind = "SELECT 1; " + std::string(text);
  require(covers(of(behind), direct), "another statement in front hides nothing");
  for (int i = 0; i < 6; ++i) behind = "SELECT 1; SELECT 2; " + behind;
  require(covers(of(behind), direct), "nor do several");
  std::string many;
  for (int i = 0; i < 80; ++i) many += "SELECT 1; ";
  require(covers(of(many + std::string(text)), direct), "nor more than are looked at");
  return 0;
}
