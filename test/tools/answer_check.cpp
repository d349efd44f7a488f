#include "answer_check.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "codec/pgwire/server_messages.hpp"

namespace fairing::torture {

namespace pgwire = codec::pgwire;
using pgwire::server_type;

namespace {
struct rule {
  char type;         // of the message
  const char* name;  // of the message
};

constexpr rule rule_of(answer a) noexcept {
  switch (a) {
    case answer::parse_complete:
      return {'1', "ParseComplete"};
    case answer::bind_complete:
      return {'2', "BindComplete"};
    case answer::close_complete:
      return {'3', "CloseComplete"};
    case answer::parameter_description:
      return {'t', "ParameterDescription"};
    case answer::row_description:
      return {'T', "RowDescription"};
    case answer::no_data:
      return {'n', "NoData"};
    case answer::rows:
      return {'D', "DataRow"};
    case answer::portal_suspended:
      return {'s', "PortalSuspended"};
    case answer::command_complete:
      return {'C', "CommandComplete"};
    case answer::copy_out:
      return {'H', "CopyOutResponse"};
    case answer::copy_in:
      return {'G', "CopyInResponse"};
    case answer::copy_rows:
      return {'d', "CopyData"};
    case answer::copy_done:
      return {'c', "CopyDone"};
    case answer::error:
      return {'E', "ErrorResponse"};
    case answer::ready:
      return {'Z', "ReadyForQuery"};
  }
  return {0, "?"};
}

// Of a server that went away, or of the pool: not the statement's own.
bool is_of_the_server(std::string_view sqlstate) {
  return sqlstate.starts_with("08") || sqlstate.starts_with("53") || sqlstate.starts_with("57P");
}

std::string shown(std::string_view bytes) {
  std::string out;
  for (const char c : bytes.substr(0, 160))
    if (c >= ' ' && c < 127)
      out += c;
    else
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  if (bytes.size() > 160) out += fmt::format("... ({} bytes)", bytes.size());
  return out;
}

std::string number_as(std::uint32_t n, bool binary) {
  if (!binary) return std::to_string(n);
  std::string out(4, '\0');
  pgwire::store_u32(out.data(), n);
  return out;
}
}  // namespace

void answer_check::begin(std::span<const expected> answers, bool may_be_cancelled) {
  answers_ = answers;
  at_ = 0;
  seen_ = 0;
  may_be_cancelled_ = may_be_cancelled;
  skipping_ = cancelled_ = broke_ = false;
}

std::string answer_check::next() const {
  if (!waiting()) return "nothing";
  const auto& e = answers_[at_];
  if (skips()) return "ReadyForQuery after an error";
  switch (e.what) {
    case answer::rows:
    case answer::copy_rows:
      return fmt::format("{} {} of {} for {}", rule_of(e.what).name, seen_ + 1, e.count, e.tag);
    case answer::command_complete:
    case answer::error:
      return fmt::format("{} {}", rule_of(e.what).name, e.text);
    case answer::ready:
      return fmt::format("ReadyForQuery {}", e.status);
    default:
      return rule_of(e.what).name;
  }
}

verdict answer_check::complain(std::string text) {
  complaint_ = fmt::format("{}; expected was {}", text, next());
  return verdict::fault;
}

verdict answer_check::take(char type, std::string_view body) {
  switch (static_cast<server_type>(type)) {
    case server_type::notice_response:
      return verdict::more;
    case server_type::parameter_status:
      return on_parameter(body);
    case server_type::error_response:
      return on_error(body);
    default:
      break;
  }
  if (!waiting())
    return complain(fmt::format("a message that nothing asked for: {} {}", type, shown(body)));
  const auto& e = answers_[at_];
  if (type != rule_of(e.what).type) {
    wrong_row_ = type == 'D';
    return complain(fmt::format("message {} {}", type, shown(body)));
  }
  switch (e.what) {
    case answer::rows:
      return on_row(e, body);
    case answer::copy_rows:
      return on_copy_row(e, body);
    case answer::ready:
      return on_ready(body);
    case answer::command_complete: {
      const auto c = pgwire::read_command_complete(body);
      if (!c || c->tag != e.text) return complain("CommandComplete " + shown(body));
      return advance();
    }
    default:
      return advance();
  }
}

verdict answer_check::advance() {
  ++at_;
  seen_ = 0;
  return waiting() ? verdict::more : verdict::done;
}

verdict answer_check::on_ready(std::string_view body) {
  const auto& e = answers_[at_];
  const bool loose = broke_ || cancelled_;
  skipping_ = false;
  if (body.size() != 1 || (body[0] != e.status && !loose))
    return complain("ReadyForQuery " + shown(body));
  return advance();
}

verdict answer_check::on_row(const expected& e, std::string_view body) {
  const auto values = pgwire::read_data_row(body);
  ++rows_;
  const auto number = number_as(e.first + seen_, e.binary);
  const std::string_view wanted[] = {e.tag, number, e.text};
  bool good = values && values->size() == e.columns;
  std::size_t i = 0;
  if (good)
    for (const auto& v : *values) good = good && !v.null && v.bytes == wanted[i++];
  if (!good) {
    wrong_row_ = true;
    return complain("row " + shown(body));
  }
  return ++seen_ == e.count ? advance() : verdict::more;
}

verdict answer_check::on_copy_row(const expected& e, std::string_view body) {
  ++rows_;
  if (body != fmt::format("{}\t{}\n", e.tag, e.first + seen_)) {
    wrong_row_ = true;
    return complain("CopyData " + shown(body));
  }
  return ++seen_ == e.count ? advance() : verdict::more;
}

verdict answer_check::on_parameter(std::string_view body) {
  const auto p = pgwire::read_parameter_status(body);
  if (!p) return complain("ParameterStatus " + shown(body));
  if (p->name != "application_name" || std::ranges::find(names, p->value) != names.end())
    return verdict::more;
  return complain("ParameterStatus of somebody else: " + shown(body));
}

void answer_check::skip_to_ready() {
  while (at_ < answers_.size() && answers_[at_].what != answer::ready) ++at_;
  seen_ = 0;
  skipping_ = true;
}

verdict answer_check::on_error(std::string_view body) {
  const auto e = pgwire::read_error(body);
  if (!e) return complain("ErrorResponse that cannot be read: " + shown(body));
  sqlstate_ = e->sqlstate;
  message_ = e->message;
  if (sqlstate_.empty()) return complain("an error without SQLSTATE: " + shown(body));
  if (e->fatal()) return verdict::fatal;
  if (!waiting()) return complain("an error that nothing asked for: " + shown(body));
  if (skips()) return complain("a second error: " + shown(body));
  const auto& next = answers_[at_];
  if (next.what == answer::error && next.text == sqlstate_) {
    // as the script wants it
  } else if (sqlstate_ == "57014" && may_be_cancelled_) {
    cancelled_ = true;
  } else if (is_of_the_server(sqlstate_)) {
    broke_ = true;
  } else {
    return complain(fmt::format("error {} {}", sqlstate_, message_));
  }
  skip_to_ready();
  return waiting() ? verdict::more : verdict::done;
}

}  // namespace fairing::torture
