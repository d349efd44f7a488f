// The server direction: cut anywhere it gives the same messages; what is read of a message and written
// again reads back.
#include <string>
#include <vector>

#include "codec/pgwire/server_messages.hpp"
#include "codec/pgwire/server_writer.hpp"
#include "fuzz/pgwire_support.hpp"

using namespace fairing::codec::pgwire;
using fairing::fuzz::require;
using fairing::fuzz::require_same_messages;

namespace {

template <class Item>
std::vector<Item> all_of(const message_list<Item>& list) {
  std::vector<Item> out;
  for (const auto& item : list) out.push_back(item);
  require(out.size() == list.size(), "as many items as it says");
  return out;
}

void check_authentication(std::string_view message) {
  const auto view = read_authentication(message.substr(header_bytes));
  if (!view) return;
  std::string again;
  if (view->kind == auth_kind::sasl) {
    std::vector<std::string_view> mechanisms;
    for (const auto& m : all_of(view->mechanisms)) mechanisms.push_back(m.text);
    append_authentication_sasl(again, mechanisms);
  }
  if (view->kind == auth_kind::sasl_continue)
    append_authentication_sasl_continue(again, view->data);
  if (view->kind == auth_kind::sasl_final) append_authentication_sasl_final(again, view->data);
  if (view->kind == auth_kind::md5_password) append_authentication_md5_password(again, view->salt);
  require(again.empty() || again == message, "an authentication request is written the same");
}

void check_error(std::string_view message) {
  const auto view = read_error(message.substr(header_bytes));
  if (!view) return;
  require(view->sqlstate.empty() || is_sqlstate(view->sqlstate), "a SQLSTATE or none");
  require(view->find('M') == view->message, "the first of a field counts");
  std::size_t bytes = 1;
  for (const auto& f : all_of(view->fields)) bytes += f.value.size() + 2;
  require(bytes + header_bytes == message.size(), "the fields are the message");
}

void check_rows(std::string_view message) {
  const auto body = message.substr(header_bytes);
  std::string again;
  if (message.front() == 'T') {
    const auto columns = read_row_description(body);
    if (!columns) return;
    require(append_row_description(again, all_of(*columns)), "a RowDescription is written");
  } else {
    const auto values = read_data_row(body);
    if (!values) return;
    require(append_data_row(again, all_of(*values)), "a DataRow is written");
  }
  require(again == message, "and is the same");
}

void check_message(std::string_view message) {
  const auto body = message.substr(header_bytes);
  std::string again;
  switch (static_cast<server_type>(message.front())) {
    case server_type::authentication:
      return check_authentication(message);
    case server_type::row_description:
    case server_type::data_row:
      return check_rows(message);
    case server_type::error_response:
    case server_type::notice_response:
      return check_error(message);
    case server_type::parameter_status:
      if (const auto p = read_parameter_status(body)) {
        append_parameter_status(again, p->name, p->value);
        require(again == message, "a ParameterStatus is written the same");
      }
      return;
    case server_type::backend_key_data:
      append_backend_key_data(again, read_backend_key_data(body).value());
      return require(again == message, "a BackendKeyData is written the same");
    case server_type::ready_for_query:
      append_ready_for_query(again, read_ready_for_query(body).value());
      return require(again == message, "a ReadyForQuery is written the same");
    case server_type::command_complete:
      if (const auto c = read_command_complete(body)) {
        append_command_complete(again, c->tag);
        require(again == message, "a CommandComplete is written the same");
      }
      return;
    case server_type::parameter_description:
      if (const auto types = read_parameter_description(body)) {
        std::vector<std::uint32_t> oids;
        for (const auto& t : all_of(*types)) oids.push_back(t.oid);
        require(append_parameter_description(again, oids) && again == message,
                "a ParameterDescription is written the same");
      }
      return;
    case server_type::notification_response:
      if (const auto n = read_notification(body))
        require(append_notification(again, *n) && again == message,
                "a NotificationResponse is written the same");
      return;
    case server_type::copy_in_response:
    case server_type::copy_out_response:
    case server_type::copy_both_response:
      static_cast<void>(read_copy_response(body));
      return;
    case server_type::negotiate_protocol_version:
      if (const auto n = read_negotiate_protocol_version(body))
        static_cast<void>(all_of(n->options));
      return;
    case server_type::function_call_response:
      static_cast<void>(read_function_call_response(body));
      return;
    default:
      return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  require_same_messages(direction::from_server, fairing::fuzz::text_of(data, size), check_message);
  return 0;
}
