// A received message with any text in it is JSON in the one protocol and XML without stray bytes in the other.
#include "base/json_scan.hpp"
#include "codec/sqs/encode.hpp"
#include "fuzz/support.hpp"

using namespace fairing;
using namespace fairing::codec::sqs;
using fairing::fuzz::require;

namespace {

// Tags open and close in turn, and what stands between them has no markup and no control character.
void check_xml(std::string_view text) {
  std::vector<std::string_view> open;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    require(c >= ' ' || c == '\n' || c == '\t' || c == '\r', "no control character");
    if (c == '&') require(text.substr(at, 12).find(';') != std::string_view::npos, "an entity");
    if (c != '<') continue;
    const auto end = text.find('>', at);
    require(end != std::string_view::npos, "a tag ends");
    auto tag = text.substr(at + 1, end - at - 1);
    at = end;
    if (tag.starts_with('?') || tag.ends_with('/')) continue;
    if (!tag.starts_with('/')) {
      open.push_back(tag.substr(0, tag.find(' ')));
      continue;
    }
    require(!open.empty() && open.back() == tag.substr(1), "tags are nested");
    open.pop_back();
  }
  require(open.empty(), "and closed");
}

}  // namespace

// Lines: an attribute's name, its type, its value, an entry's id; the rest is the body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto rest = fuzz::text_of(data, size);
  const auto line = [&rest] {
    const auto end = rest.find('\n');
    std::string part(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return part;
  };
  message_attribute a;
  a.name = line();
  a.type = line();
  a.value = line();
  const auto id = line();
  received got;
  got.messages.push_back({.message_id = id,
                          .receipt_handle = id,
                          .body = std::string(rest),
                          .md5_of_body = "0",
                          .system_attributes = {{a.name, std::string(rest)}},
                          .attributes = {a},
                          .md5_of_attributes = "0"});
  sent_batch batch;
  batch.entries.push_back({id, sent{.message_id = id, .md5_of_body = "0"}});
  batch.entries.push_back({id, std::unexpected(error{{}, std::string(rest)})});
  const reply replies[] = {got, std::move(batch), tags{{{a.name, a.value}}},
                           queue_urls{{std::string(rest)}, id}};
  const action_kind kinds[] = {action_kind::receive_message, action_kind::send_message_batch,
                               action_kind::list_queue_tags, action_kind::list_queues};
  for (std::size_t i = 0; i < std::size(replies); ++i) {
    const auto json = encode({.how = protocol::json, .kind = kinds[i]}, replies[i], "id");
    require(json_valid(json.body), "JSON");
    const auto xml = encode({.how = protocol::query, .kind = kinds[i]}, replies[i], "id");
    check_xml(xml.body);
  }
  return 0;
}
