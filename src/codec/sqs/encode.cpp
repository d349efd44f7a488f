// The envelopes of both protocols, and errors.
#include "codec/sqs/encode.hpp"

#include <fmt/format.h>

#include "base/json.hpp"
#include "codec/sqs/text.hpp"
#include "codec/sqs/write_reply.hpp"

namespace fairing::codec::sqs {

namespace {

constexpr std::string_view json_type = "application/x-amz-json-1.0";
constexpr std::string_view xml_type = "text/xml";
constexpr std::string_view declaration = "<?xml version=\"1.0\"?>";
constexpr std::string_view name_space = "http://queue.amazonaws.com/doc/2012-11-05/";

void append_request_id(std::string& out, std::string_view request_id) {
  out += "<RequestId>";
  append_xml(out, clean_text(request_id));
  out += "</RequestId>";
}

}  // namespace

answer encode(const wire& how, const reply& r, std::string_view request_id) {
  answer a;
  if (how.how == protocol::json) {
    a.content_type = json_type;
    write_json(a.body, how.kind, r);
    return a;
  }
  a.content_type = xml_type;
  const auto word = to_string(how.kind);
  a.body = declaration;
  fmt::format_to(std::back_inserter(a.body), "<{}Response xmlns=\"{}\">", word, name_space);
  if (!std::holds_alternative<done>(r)) {
    fmt::format_to(std::back_inserter(a.body), "<{}Result>", word);
    write_xml(a.body, how.kind, r);
    fmt::format_to(std::back_inserter(a.body), "</{}Result>", word);
  }
  a.body += "<ResponseMetadata>";
  append_request_id(a.body, request_id);
  fmt::format_to(std::back_inserter(a.body), "</ResponseMetadata></{}Response>", word);
  return a;
}

answer encode_error(const wire& how, const error& e, std::string_view request_id) {
  const auto& names = names_of(e.code);
  answer a{.status = names.status, .content_type = {}, .query_error = {}, .body = {}};
  const auto who = names.sender ? "Sender" : "Receiver";
  if (how.how == protocol::json) {
    a.content_type = json_type;
    if (how.query_mode) a.query_error = fmt::format("{};{}", names.query, who);
    a.body = R"({"__type":)";
    append_json_string(a.body, names.json);
    a.body += R"(,"message":)";
    append_json_string(a.body, e.message());
    a.body += '}';
    return a;
  }
  a.content_type = xml_type;
  a.body = declaration;
  fmt::format_to(std::back_inserter(a.body),
                 "<ErrorResponse xmlns=\"{}\"><Error><Type>{}</Type><Code>{}</Code><Message>",
                 name_space, who, names.query);
  append_xml(a.body, clean_text(e.message()));
  a.body += "</Message><Detail/></Error>";
  append_request_id(a.body, request_id);
  a.body += "</ErrorResponse>";
  return a;
}

std::string make_queue_url(std::string_view base, std::string_view account,
                           std::string_view queue) {
  return fmt::format("{}/{}/{}", base, account, queue);
}

std::string make_queue_arn(std::string_view region, std::string_view account,
                           std::string_view queue) {
  return fmt::format("arn:aws:sqs:{}:{}:{}", region, account, queue);
}

}  // namespace fairing::codec::sqs
