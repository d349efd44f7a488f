#include "bench/sql/fake_session.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace fairing::bench {
namespace {

constexpr std::uint32_t protocol_3 = 196608;
constexpr std::uint32_t cancel_request = 80877102;
constexpr std::uint32_t ssl_request = 80877103;
constexpr std::uint32_t gss_request = 80877104;
constexpr std::size_t max_startup_bytes = 10'000;  // PostgreSQL's own limit

// The answers that never change.
struct prebuilt {
  std::string parameters;
  std::string row_description;
  std::string data_row;
  std::string select_complete;
  std::string query_answer;  // all of a simple SELECT outside a transaction
};

std::string built(char type, std::string_view body) {
  std::string out;
  append_message(out, type, body);
  return out;
}

prebuilt build() {
  prebuilt p;
  constexpr std::array<std::pair<std::string_view, std::string_view>, 13> settings{{
      {"application_name", ""},
      {"client_encoding", "UTF8"},
      {"DateStyle", "ISO, MDY"},
      {"default_transaction_read_only", "off"},
      {"in_hot_standby", "off"},
      {"integer_datetimes", "on"},
      {"IntervalStyle", "postgres"},
      {"is_superuser", "off"},
      {"server_encoding", "UTF8"},
      {"server_version", "15.0"},
      {"session_authorization", "bench"},
      {"standard_conforming_strings", "on"},
      {"TimeZone", "UTC"},
  }};
  for (const auto& [name, value] : settings) {
    std::string body;
    put_text(body, name);
    put_text(body, value);
    append_message(p.parameters, 'S', body);
  }
  std::string body;
  put_u16(body, 1);
  put_text(body, "?column?");
  put_u32(body, 0);   // of no table
  put_u16(body, 0);   // nor column
  put_u32(body, 23);  // int4
  put_u16(body, 4);
  put_u32(body, 0xffffffff);  // no type modifier
  put_u16(body, 0);           // text
  p.row_description = built('T', body);
  body.clear();
  put_u16(body, 1);
  put_u32(body, 1);
  body += '1';
  p.data_row = built('D', body);
  p.select_complete = built('C', std::string_view("SELECT 1\0", 9));
  p.query_answer = p.row_description + p.data_row + p.select_complete + built('Z', "I");
  return p;
}

const prebuilt& answers() {
  static const prebuilt made = build();
  return made;
}

std::string_view trimmed(std::string_view text) {
  const auto from = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  text.remove_prefix(from);
  return text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
}

}  // namespace

bool fake_session::feed(std::string_view bytes, std::string& out) {
  if (rest_.empty()) {
    const bool good = take_all(bytes, out);
    rest_.assign(bytes);
    return good;
  }
  rest_.append(bytes);
  std::string_view all(rest_);
  const bool good = take_all(all, out);
  rest_.erase(0, rest_.size() - all.size());
  return good;
}

bool fake_session::take_all(std::string_view& bytes, std::string& out) {
  bool more = true;
  while (!started_ && more) {
    if (!take_startup(bytes, out, more)) return false;
  }
  if (!started_) return true;
  for (;;) {
    wire_message m;
    switch (take_message(bytes, m)) {
      case taken::whole:
        if (!answer(m, out)) return false;
        break;
      case taken::incomplete:
        return true;
      case taken::malformed:
        return false;
    }
  }
}

bool fake_session::take_startup(std::string_view& bytes, std::string& out, bool& more) {
  more = false;
  if (bytes.size() < 8) return true;
  const std::size_t length = get_u32(bytes);
  if (length < 8 || length > max_startup_bytes) return false;
  if (bytes.size() < length) return true;
  const auto code = get_u32(bytes.substr(4));
  bytes.remove_prefix(length);
  if (code == ssl_request || code == gss_request) {
    out += 'N';
    more = true;
    return true;
  }
  if (code == cancel_request || code != protocol_3) return false;
  std::string body;
  put_u32(body, 0);
  append_message(out, 'R', body);
  out += answers().parameters;
  body.clear();
  put_u32(body, id_);
  put_u32(body, id_ * 2654435761U);
  append_message(out, 'K', body);
  ready(out);
  started_ = true;
  return true;
}

bool fake_session::answer(const wire_message& m, std::string& out) {
  auto body = m.body;
  switch (m.type) {
    case 'Q':
      answer_query(take_text(body), out);
      return true;
    case 'P': {
      const auto name = take_text(body);
      statements_.insert_or_assign(std::string(name), understand(take_text(body)));
      append_message(out, '1', {});
      return true;
    }
    case 'B': {
      static_cast<void>(take_text(body));  // the portal
      const auto found = statements_.find(take_text(body));
      bound_ = found == statements_.end() ? statement{} : found->second;
      append_message(out, '2', {});
      return true;
    }
    case 'D':
      describe(body, out);
      return true;
    case 'E':
      run(bound_, false, out);
      return true;
    case 'C':
      if (body.starts_with('S')) {
        body.remove_prefix(1);
        if (const auto found = statements_.find(take_text(body)); found != statements_.end()) {
          statements_.erase(found);
        }
      }
      append_message(out, '3', {});
      return true;
    case 'S':
      ready(out);
      return true;
    case 'H':  // everything is sent at once anyway
      return true;
    default:
      return false;  // Terminate, and what this server does not speak (COPY, function call)
  }
}

void fake_session::describe(std::string_view body, std::string& out) const {
  auto what = bound_.what;
  if (body.starts_with('S')) {
    body.remove_prefix(1);
    const auto found = statements_.find(take_text(body));
    if (found != statements_.end()) what = found->second.what;
    append_message(out, 't', std::string_view("\0\0", 2));
  }
  if (what == effect::row) {
    out += answers().row_description;
  } else {
    append_message(out, 'n', {});
  }
}

void fake_session::answer_query(std::string_view text, std::string& out) {
  if (status_ == 'I' && text.starts_with("SELECT") && text.find(';') == std::string_view::npos) {
    out += answers().query_answer;
    return;
  }
  bool any = false;
  while (!text.empty()) {
    const auto end = std::min(text.find(';'), text.size());
    const auto one = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (one.empty()) continue;
    run(understand(one), true, out);
    any = true;
  }
  if (!any) append_message(out, 'I', {});
  ready(out);
}

void fake_session::run(const statement& s, bool describes, std::string& out) {
  switch (s.what) {
    case effect::row:
      if (describes) out += answers().row_description;
      out += answers().data_row;
      out += answers().select_complete;
      return;
    case effect::nothing:
      append_message(out, 'I', {});
      return;
    case effect::begin:
      status_ = 'T';
      break;
    case effect::end:
      status_ = 'I';
      break;
    case effect::command:
      break;
  }
  std::string body;
  put_text(body, s.tag);
  append_message(out, 'C', body);
}

void fake_session::ready(std::string& out) const { append_message(out, 'Z', {&status_, 1}); }

fake_session::statement fake_session::understand(std::string_view text) {
  text = trimmed(text);
  std::string word;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (std::isalpha(u) == 0) break;
    word += static_cast<char>(std::toupper(u));
  }
  if (text.empty()) return {effect::nothing, {}};
  if (word == "BEGIN" || word == "START") return {effect::begin, "BEGIN"};
  if (word == "COMMIT" || word == "END" || word == "ROLLBACK" || word == "ABORT") {
    return {effect::end, word == "ROLLBACK" || word == "ABORT" ? "ROLLBACK" : "COMMIT"};
  }
  constexpr std::array<std::string_view, 6> with_rows{"SELECT", "SHOW",  "VALUES",
                                                      "WITH",   "TABLE", "EXECUTE"};
  if (std::find(with_rows.begin(), with_rows.end(), word) != with_rows.end()) {
    return {effect::row, {}};
  }
  return {effect::command, word};
}

}  // namespace fairing::bench
