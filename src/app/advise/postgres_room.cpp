#include "app/advise/postgres_room.hpp"

#include <nlohmann/json.hpp>

namespace fairing::app::advise {

namespace {

// Who may not see others' sessions still sees whose they are; backend_type is then NULL. A background
// process has no user or no database.
constexpr const char* room_sql = R"(
SELECT current_setting('max_connections'), current_setting('superuser_reserved_connections')::int
       + coalesce(current_setting('reserved_connections', true)::int, 0),
       (SELECT count(*) FROM pg_catalog.pg_stat_activity
         WHERE coalesce(backend_type, 'client backend') = 'client backend' AND datid IS NOT NULL
           AND usename IS NOT NULL
           AND usename NOT IN (SELECT jsonb_array_elements_text($1::jsonb))))";

constexpr const char* mark_sql = R"(
SELECT md5(coalesce(string_agg(indexrelid || ' ' || indisvalid, ',' ORDER BY indexrelid), '')),
       EXISTS (SELECT 1 FROM pg_catalog.pg_extension WHERE extname = 'hypopg')
  FROM pg_catalog.pg_index)";

std::uint32_t whole(const postgres_rows& r, int column) {
  return static_cast<std::uint32_t>(std::max(r.number(0, column), 0.0));
}

}  // namespace

result<connection_room> read_room(postgres_connection& from,
                                  const std::vector<std::string>& users) {
  const auto list =
      nlohmann::json(users).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  const auto r = from.query(room_sql, {list});
  if (!r) return std::unexpected(r.error());
  if (r->size() != 1) return fail(errc::refused, "pg_stat_activity gave no row");
  const connection_room out{whole(*r, 0), whole(*r, 1), whole(*r, 2)};
  if (out.max_connections == 0) return fail(errc::refused, "max_connections is not told");
  return out;
}

result<std::string> read_mark(postgres_connection& from) {
  const auto r = from.query(mark_sql);
  if (!r) return std::unexpected(r.error());
  return r->size() == 1 ? r->text(0, 0) + r->text(0, 1) : std::string();
}

}  // namespace fairing::app::advise
