#include "sql/logic/traced_writes.hpp"

#include <memory>
#include <string>
#include <utility>

#include "base/hash.hpp"
#include "codec/pgwire/client_messages.hpp"
#include "codec/sql_lexer/comment.hpp"

namespace fairing::sql {

namespace lex = codec::sql_lexer;
namespace pgwire = codec::pgwire;

namespace {

constexpr std::size_t longest_printed = 256;

void add_text(hash_stream& h, std::string_view text) {
  const auto comment = lex::read_trace_comment(text);
  for (int i = 0; i < 2; ++i) h.add(comment.piece(text, i));
}

std::uint64_t known(const hash_stream& h) {
  const auto sum = h.digest();
  return sum == 0 ? 1 : sum;
}

}  // namespace

std::uint64_t traced_writes::values_of_query(text_ids ids, std::string_view text) const {
  if (ids.kind == bus::write_kind::none || !watches(ids)) return 0;
  hash_stream h;
  add_text(h, text);
  return known(h);
}

std::uint64_t traced_writes::values_of_bind(text_ids ids, std::string_view definition,
                                            std::string_view body) const {
  if (ids.kind == bus::write_kind::none || !watches(ids)) return 0;
  const auto bind = pgwire::read_bind(body);
  if (!bind) return 0;
  hash_stream h;
  add_text(h, definition.substr(0, definition.find('\0')));
  std::size_t i = 0;
  for (const auto& v : bind->parameters) {
    const char head[2] = {v.null ? '1' : '0', bind->parameter_formats.of(i++) == 1 ? 'b' : 't'};
    const auto size = static_cast<std::uint32_t>(v.bytes.size());
    h.add({head, sizeof head});
    h.add({reinterpret_cast<const char*>(&size), sizeof size});
    h.add(v.bytes);
  }
  return known(h);
}

void traced_writes::on_done(traced_client& c, text_ids ids, std::uint64_t rows, bool failed,
                            std::string_view printed) {
  if (!watches(ids)) return;
  sets_->saw_statement(ids.request, failed);
  if (failed || ids.kind == bus::write_kind::none) return;
  if (c.pending_.size() >= bus::write_sets::most_writes) return sets_->incomplete(ids.request);
  c.pending_.push_back(
      {ids.request,
       {.kind = ids.kind,
        .relative = ids.relative,
        .rows = ids.kind == bus::write_kind::opaque ? 1 : rows,
        .values = ids.values,
        .table = ids.table,
        .statement = std::make_shared<const std::string>(printed.substr(0, longest_printed))}});
}

// A transaction that is still open goes on; what ROLLBACK TO took back of it nobody here knows.
void traced_writes::settle(traced_client& c, bool idle) {
  const bool undone = std::exchange(c.rolled_back_, false);
  const bool failed = std::exchange(c.failed_, false);
  const bool mixed = std::exchange(c.mixed_, false);
  c.committed_ = false;
  if (!idle || mixed) {
    if (undone || mixed)
      for (const auto& h : c.pending_) sets_->undone_in_part(h.key);
    if (idle) c.pending_.clear();
    return;
  }
  if (!undone && !failed)
    for (auto& h : c.pending_) sets_->add(h.key, std::move(h.what));
  c.pending_.clear();
}

}  // namespace fairing::sql
