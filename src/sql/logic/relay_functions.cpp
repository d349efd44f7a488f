// What the database's functions do to sessions: asked before anybody's statement, and again between transactions.
#include "sql/logic/relay.hpp"

namespace fairing::sql {

relay::after relay::ask_functions() {
  shared_.functions.asking(now_);
  functions_answer_ = std::make_unique<functions_answer>();
  return inject_query(shared_.functions.question(), purpose::functions);
}

bool relay::on_function_row(std::string_view message) {
  const auto row = pgwire::read_data_row(message.substr(pgwire::header_bytes));
  if (!row || !functions_answer_) return false;
  // Who speaks PostgreSQL's protocol need not have its catalogues: that is no reason to part.
  if (row->size() != 2) return true;
  std::string_view column[2];
  std::size_t n = 0;
  for (const auto& v : *row) column[n++] = v.bytes;
  functions_answer_->add(column[0], column[1]);
  return true;
}

void relay::on_functions_known() {
  if (!functions_answer_) return;
  if (functions_answer_->version.empty())
    shared_.functions.failed("the answer has no version", now_);
  else if (shared_.functions.tell(std::move(*functions_answer_)))
    shared_.effects.forget();
  functions_answer_.reset();
}

// Cancelled by a late request, it is asked again; its own limit of time is longer than that. Else it cannot be known here,
// and everything goes on as if there were no such functions.
void relay::on_functions_refused(const pgwire::parsed<pgwire::error_view>& error) {
  inject_failed_ = true;
  functions_answer_.reset();
  const bool cancelled = error && error->sqlstate == pgwire::code(pgwire::sqlstate::query_canceled);
  if (cancelled && shared_.functions.asked_within(seconds{2}, now_) && ++inject_tries_ < 3)
    shared_.functions.expire();
  else
    shared_.functions.failed(error ? error->message : "an error that says nothing", now_);
}

// `what` was found out of `definition` before other functions were known. Nothing is taken away: the text may stand for
// another.
void relay::renew(effects& what, std::string_view definition) {
  if (what.generation == shared_.effects.generation()) return;
  const auto text = definition.substr(0, definition.find('\0'));
  const auto& now = shared_.effects.of(text);
  what.leaves_state |= now.leaves_state;
  what.unlisted |= now.unlisted;
  if (now.sets) what.sets = now.sets;
  what.generation = now.generation;
}

}  // namespace fairing::sql
