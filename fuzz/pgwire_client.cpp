// The client direction, start-up packet first: cut anywhere it gives the same messages; what is read of
// a message and written again reads back; a renamed message is the message with the new name.
#include <string>
#include <vector>

#include "codec/pgwire/client_writer.hpp"
#include "codec/pgwire/rename.hpp"
#include "codec/pgwire/startup.hpp"
#include "fuzz/pgwire_support.hpp"

using namespace fairing::codec::pgwire;
using fairing::fuzz::require;
using fairing::fuzz::require_same_messages;

namespace {

std::vector<std::int16_t> codes_of(const format_codes& codes) {
  std::vector<std::int16_t> out;
  for (std::size_t i = 0; i < codes.size(); ++i) out.push_back(codes[i]);
  return out;
}

void check_bind(std::string_view message) {
  const auto view = read_bind(message.substr(header_bytes));
  if (!view) return;
  std::vector<value_view> values;
  for (const auto& v : view->parameters) values.push_back(v);
  std::string again;
  const auto parameter_formats = codes_of(view->parameter_formats);
  const auto result_formats = codes_of(view->result_formats);
  require(append_bind(again,
                      {view->portal, view->statement, parameter_formats, values, result_formats}),
          "a Bind that was read can be written");
  require(again == message, "and is the same");
}

void check_parse(std::string_view message) {
  const auto view = read_parse(message.substr(header_bytes));
  if (!view) return;
  std::string again;
  require(append_parse(again, view->name, view->sql, view->parameter_types), "a Parse is written");
  require(again == message, "and is the same");
}

void check_function_call(std::string_view message) {
  const auto view = read_function_call(message.substr(header_bytes));
  if (!view) return;
  std::vector<value_view> values;
  for (const auto& v : view->arguments) values.push_back(v);
  std::string again;
  const auto formats = codes_of(view->argument_formats);
  require(append_function_call(again, {view->function, formats, values, view->result_format}),
          "a FunctionCall is written");
  require(again == message, "and is the same");
}

void check_rename(std::string_view message) {
  const auto name = statement_name(message);
  const auto renamed = rename_statement(message, "fairing_1");
  if (!name || !renamed) return;
  std::string out;
  renamed->append_to(out);
  require(statement_name(out) == "fairing_1", "it has the new name");
  const auto back = rename_statement(out, *name);
  require(back.has_value(), "it can be renamed again");
  std::string again;
  back->append_to(again);
  require(again == message, "and is the first with its old name");
}

void check_message(std::string_view message) {
  const auto body = message.substr(header_bytes);
  std::string again;
  switch (static_cast<client_type>(message.front())) {
    case client_type::query:
      if (const auto sql = read_query(body))
        require(append_query(again, *sql) && again == message, "a Query is written the same");
      return;
    case client_type::parse:
      check_parse(message);
      return check_rename(message);
    case client_type::bind:
      check_bind(message);
      return check_rename(message);
    case client_type::describe:
    case client_type::close:
      if (const auto target = read_describe(body)) {
        if (message.front() == 'D') append_describe(again, target->kind, target->name);
        if (message.front() == 'C') append_close(again, target->kind, target->name);
        require(again == message, "a Describe or Close is written the same");
      }
      return check_rename(message);
    case client_type::execute:
      if (const auto view = read_execute(body)) {
        append_execute(again, view->portal, view->max_rows);
        require(again == message, "an Execute is written the same");
      }
      return;
    case client_type::function_call:
      return check_function_call(message);
    case client_type::password:
      if (const auto view = read_sasl_initial_response(body)) {
        append_sasl_initial_response(again, view->mechanism, view->data);
        require(again == message, "a SASLInitialResponse is written the same");
      }
      static_cast<void>(read_password(body));
      return;
    case client_type::copy_fail:
      if (const auto reason = read_copy_fail(body)) {
        append_copy_fail(again, *reason);
        require(again == message || reason->size() > 8192, "a CopyFail is written the same");
      }
      return;
    default:
      return;
  }
}

// Bytes taken by start-up packets, or none if there is no whole one.
std::size_t check_startup(std::string_view text) {
  startup_packet packet;
  const auto status = parse_startup(text, packet);
  startup_packet part;
  auto last = startup_status::need_more;
  for (std::size_t n = 0; n <= text.size() && last == startup_status::need_more; ++n)
    last = parse_startup(text.substr(0, n), part);
  require(last == status && part.error == packet.error, "split equals whole");
  if (status != startup_status::complete) return 0;
  require(packet.size <= text.size() && packet.size == part.size, "bounded");
  std::string again;
  if (packet.kind == startup_kind::cancel_request) {
    append_cancel_request(again, packet.key);
    require(again == text.substr(0, packet.size), "a CancelRequest is written the same");
  }
  if (packet.kind == startup_kind::startup) {
    require(!packet.user.empty() && !packet.database.empty(), "a user and a database");
    std::vector<parameter_pair> parameters;
    for (const auto& p : packet.parameters) parameters.emplace_back(p.name, p.value);
    require(append_startup(again, parameters), "a start-up packet is written");
    require(again.substr(8) == text.substr(8, packet.size - 8), "and is the same");
    if (packet.needs_negotiation()) append_negotiate_protocol_version(again, packet);
  }
  return packet.size;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = fairing::fuzz::text_of(data, size);
  // An input without a start-up packet is a stream of messages.
  text.remove_prefix(check_startup(text));
  text.remove_prefix(check_startup(text));
  require_same_messages(direction::from_client, text, check_message);
  return 0;
}
