// What is said of a text's effects: the same when it is asked again, when it is remembered, and with a comment in front;
// a statement in front of it takes no effect away, so that nothing can hide behind others.
#include <string>

#include "fuzz/support.hpp"
#include "sql/logic/effects.hpp"

using namespace fairing::sql;
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
         a.reads_sequences == b.reads_sequences && a.names_statements == b.names_statements &&
         a.drops_statements == b.drops_statements && a.pin == b.pin && a.unlisted == b.unlisted &&
         a.sets_unknown == b.sets_unknown && a.sets_by_parameter == b.sets_by_parameter &&
         (a.sets ? a.sets->names : no_names) == (b.sets ? b.sets->names : no_names);
}

bool covers(const effects& a, const effects& b) {
  return (a.leaves_state || !b.leaves_state) && (a.ddl || !b.ddl) &&
         (a.reads_sequences || !b.reads_sequences) && (a.names_statements || !b.names_statements) &&
         (a.unlisted || !b.unlisted);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fairing::fuzz::text_of(data, size);
  static effects_cache cache(4711);
  const auto direct = of(text);
  require(same(cache.of(text), direct), "the cache says the same");
  require(same(cache.of(text), direct), "and again");
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
