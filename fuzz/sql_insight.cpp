// What the insight reads of passing messages: any text, Bind, descriptions and rows in any order; it only watches, so all
// that must hold is that nothing is read beyond what was given and that what it tells can be told.
// The input is a row of pieces: a byte says what it is, a byte how long.
#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "codec/pgwire/message_writer.hpp"
#include "codec/pgwire/wire.hpp"
#include "fuzz/support.hpp"
#include "sql/logic/insight.hpp"

using namespace fairing;
using namespace fairing::sql;

namespace {

std::string message_of(char type, std::string_view body) {
  std::string out(5, type);
  codec::pgwire::store_u32(out.data() + 1, static_cast<std::uint32_t>(body.size() + 4));
  out += body;
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto input = fuzz::text_of(data, size);
  insight watch({.seed = 1, .least = 3, .watched = 4});
  codec::sql_lexer::analyzer analyzer({.seed = 1});
  std::optional<effects_cache> effects;
  insight_client clients[2];
  text_ids ids[2];
  std::string definition;
  std::int64_t now_us = 1'000'000'000;
  while (input.size() > 2) {
    const auto what = static_cast<unsigned char>(input[0]);
    const auto n = std::min<std::size_t>(static_cast<unsigned char>(input[1]), input.size() - 2);
    const auto exact = std::make_unique<char[]>(n);
    if (n > 0) std::memcpy(exact.get(), input.data() + 2, n);
    const std::string_view piece(exact.get(), n);
    input.remove_prefix(2 + n);
    auto& c = clients[what >> 7];
    auto& id = ids[what >> 6 & 1];
    now_us += 300;
    switch (what % 8) {
      case 0:
        analyzer.run(piece);
        id = watch.on_text({.text = piece}, analyzer);
        break;
      case 1:
        if (!effects) effects.emplace(1).name_by(&watch);
        id = effects->of(piece).ids;
        watch.on_query(c, id, piece, now_us);
        break;
      case 2:
        watch.on_bind(c, id, definition, piece, now_us);
        break;
      case 3:
        watch.on_parameters(id, piece);
        break;
      case 4:
        watch.on_columns(id, piece);
        break;
      case 5:
        watch.on_row(c, id, message_of('D', piece), now_us);
        break;
      case 6:
        watch.on_done(c, id, {.duration_us = 300, .rows = n, .failed = n % 2 == 1}, now_us);
        break;
      default:
        definition = piece;
        if (n == 0) watch.on_leave(c);
        break;
    }
  }
  watch.flush(now_us + 10'000'000);
  const auto wall = wall_time{seconds{1'700'000'000}};
  for (const auto& row : watch.queries(now_us, wall))
    fuzz::require(!row.kind.empty(), "a kind of statement");
  static_cast<void>(watch.loops(now_us, wall));
  return 0;
}
