// Which protocol, which action, where its parameters are.
#include "codec/sqs/decode.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/ascii.hpp"
#include "codec/sqs/node.hpp"
#include "codec/sqs/read_action.hpp"
#include "codec/sqs/text.hpp"

namespace fairing::codec::sqs {

namespace {

constexpr std::string_view target_prefix = "AmazonSQS.";
constexpr std::string_view json_type = "application/x-amz-json-1.0";
constexpr std::string_view form_type = "application/x-www-form-urlencoded";

// The media type without its parameters.
std::string_view media_type(std::string_view content_type) noexcept {
  return trim_ows(content_type.substr(0, content_type.find(';')));
}

result<action> read_tree(wire& how, node& tree, std::string_view path, const decode_options& o) {
  fields f(tree, how.how == protocol::query);
  if (how.how == protocol::query) {
    const auto word = f.need("Action");
    if (f.wrong())
      return fail(
          errc::invalid_action,
          "The request names no action: neither x-amz-target: AmazonSQS.NAME nor Action=NAME.");
    how.kind = action_kind_from(word);
    if (how.kind == action_kind::unknown)
      return fail(errc::invalid_action,
                  fmt::format("The action {} is not valid for this endpoint.", clean_text(word)));
  }
  if (how.kind <= action_kind::change_visibility_batch)
    return read_message_action(how.kind, f, path, o);
  return read_queue_action(how.kind, f, path);
}

result<action> read_request(wire& how, const http_request& h, const decode_options& o) {
  const bool post = h.method == "POST";
  if (!post && (h.method != "GET" || how.how == protocol::json))
    return fail(
        errc::invalid_action,
        fmt::format("The method {} is not for this: {}.", clean_text(h.method.substr(0, 16)),
                    how.how == protocol::json ? "POST" : "GET or POST"));
  if (h.body.size() > o.most_body_bytes || h.query.size() > o.most_body_bytes)
    return fail(errc::invalid_parameter_value,
                fmt::format("The request is longer than {} bytes.", o.most_body_bytes));
  if (how.how == protocol::json) {
    how.kind =
        action_kind_from(h.target.starts_with(target_prefix) ? h.target.substr(target_prefix.size())
                                                             : std::string_view());
    if (how.kind == action_kind::unknown)
      return fail(errc::invalid_action,
                  fmt::format("The operation {} is not known: x-amz-target is AmazonSQS.NAME.",
                              clean_text(h.target.substr(0, 80))));
    if (!iequals(media_type(h.content_type), json_type))
      return fail(errc::malformed_request,
                  fmt::format("The content-type has to be {}.", json_type));
  } else if (post && !h.body.empty() && !iequals(media_type(h.content_type), form_type)) {
    return fail(errc::malformed_request,
                fmt::format("The content-type has to be {}, or {} with x-amz-target.", form_type,
                            json_type));
  }
  auto tree = how.how == protocol::json ? read_json(h.body.empty() ? "{}" : h.body)
                                        : read_form(h.query, post ? h.body : std::string_view());
  if (!tree) return std::unexpected(tree.error());
  return read_tree(how, *tree, h.path, o);
}

}  // namespace

decoded decode(const http_request& h, const decode_options& options) {
  decoded d{.how = {.how = h.target.empty() ? protocol::query : protocol::json,
                    .query_mode = h.query_mode},
            .what = action{}};
  d.what = read_request(d.how, h, options);
  return d;
}

bool looks_like_sqs(const http_request& h) noexcept {
  if (h.path == "/v1" || h.path.starts_with("/v1/")) return false;
  const auto type = media_type(h.content_type);
  return h.target.starts_with(target_prefix) || iequals(type, json_type) ||
         iequals(type, form_type) || h.query.starts_with("Action=") ||
         h.query.find("&Action=") != std::string_view::npos;
}

}  // namespace fairing::codec::sqs
