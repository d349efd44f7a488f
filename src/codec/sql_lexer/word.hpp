// word: the keywords and function names that the analysis looks at, as numbers.
//
// Problem: every identifier of a statement is asked "are you IN, LIMIT, pg_advisory_lock, ...?";
// that must be one hash and one compare. Words are matched folded to lower case; quoted identifiers
// are no keywords, but may be functions.
//
// Flow: word_of(text.substr(token)) for an unquoted identifier; word::none for every other one.
// Pure; any thread. Cost: about 3 ns, no allocation. Source: the keyword list of PostgreSQL 15
// (src/include/parser/kwlist.h), those that matter here, by their own names with `kw_` before.
#pragma once

#include <cstdint>
#include <string_view>

namespace fairing::codec::sql_lexer {

// clang-format off
// Keywords, then functions and schemas whose use ties a statement to its session.
#define FAIRING_SQL_KEYWORDS(X) \
  X(abort) X(all) X(alter) X(always) X(analyze) X(analyse) X(and) X(any) X(array) X(as) X(asc)    \
  X(atomic) X(authorization) X(begin) X(between) X(by) X(call) X(cascade) X(case) X(cast)         \
  X(catalog) X(chain) X(characteristics) X(check) X(checkpoint) X(close) X(cluster) X(collate)    \
  X(comment) X(commit) X(committed) X(constraint) X(constraints) X(copy) X(create) X(cross)       \
  X(current) X(cursor) X(data) X(deallocate) X(declare) X(default) X(deferrable) X(delete)        \
  X(desc) X(discard) X(distinct) X(do) X(drop) X(each) X(else) X(encoding) X(end) X(escape)       \
  X(except) X(execute) X(exists) X(explain) X(false) X(fetch) X(first) X(for) X(foreign)          \
  X(freeze) X(from) X(full) X(function) X(global) X(grant) X(group) X(groups) X(having) X(hold)   \
  X(if) X(ilike) X(import) X(in) X(index) X(inner) X(insert) X(instead) X(interval)               \
  X(intersect) X(into) X(is) X(isolation) X(join) X(key) X(language) X(lateral) X(left)           \
  X(level) X(like) X(limit) X(listen) X(load) X(local) X(lock) X(matched) X(materialized)         \
  X(merge) X(move) X(names) X(natural) X(next) X(no) X(nothing) X(not) X(notify) X(nowait)        \
  X(null) X(of) X(off) X(offset) X(on) X(only) X(option) X(or) X(order) X(outer) X(over)          \
  X(overriding) X(partition) X(plans) X(prepare) X(prepared) X(prior) X(privileges)               \
  X(procedure) X(program) X(range) X(read) X(reassign) X(recursive) X(refresh) X(reindex)         \
  X(relative) X(absolute) X(backward) X(forward) X(release) X(rename) X(repeatable) X(replace)    \
  X(reset) X(restrict) X(return) X(returning) X(returns) X(revoke) X(right) X(role) X(rollback)   \
  X(row) X(rows) X(rule) X(savepoint) X(schema) X(security) X(select) X(sequence) X(sequences)    \
  X(serializable) X(session) X(set) X(share) X(show) X(similar) X(snapshot) X(some) X(start)      \
  X(statement) X(stdin) X(stdout) X(symmetric) X(table) X(tablesample) X(temp) X(temporary)       \
  X(then) X(ties) X(time) X(to) X(transaction) X(trigger) X(true) X(truncate) X(type)             \
  X(uncommitted) X(union) X(unique) X(unlisten) X(unlogged) X(until) X(update) X(user) X(using)   \
  X(vacuum) X(values) X(variadic) X(verbose) X(view) X(when) X(where) X(window) X(with)           \
  X(within) X(without) X(work) X(write) X(xml) X(zone)

#define FAIRING_SQL_FUNCTIONS(X) \
  X(set_config) X(nextval) X(currval) X(lastval) X(setval) X(pg_notify) X(pg_temp)                \
  X(pg_advisory_lock) X(pg_advisory_lock_shared) X(pg_try_advisory_lock)                          \
  X(pg_try_advisory_lock_shared) X(pg_advisory_unlock) X(pg_advisory_unlock_shared)               \
  X(pg_advisory_unlock_all) X(loread) X(lowrite) X(pg_backend_pid) X(pg_my_temp_schema)           \
  X(pg_listening_channels) X(pg_current_xact_id) X(pg_current_xact_id_if_assigned)                \
  X(pg_current_snapshot) X(pg_export_snapshot)
// clang-format on

enum class word : std::uint16_t {
  none,  // not in the lists
#define FAIRING_SQL_ENUMERATOR(name) kw_##name,
  FAIRING_SQL_KEYWORDS(FAIRING_SQL_ENUMERATOR) first_function,  // between the lists; never returned
#undef FAIRING_SQL_ENUMERATOR
#define FAIRING_SQL_ENUMERATOR(name) fn_##name,
  FAIRING_SQL_FUNCTIONS(FAIRING_SQL_ENUMERATOR)
#undef FAIRING_SQL_ENUMERATOR
      count,  // how many; never returned
};

// `name` is an unquoted identifier as it stands in the text, in any case. `room`: readable bytes at
// name.data(), at least name.size() (more lets whole words be read).
[[nodiscard]] word word_of(std::string_view name, std::size_t room) noexcept;
[[nodiscard]] inline word word_of(std::string_view name) noexcept {
  return word_of(name, name.size());
}

[[nodiscard]] constexpr bool is_function(word w) noexcept { return w > word::first_function; }

}  // namespace fairing::codec::sql_lexer
