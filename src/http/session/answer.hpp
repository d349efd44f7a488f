// answer: one origin answer as the http plane keeps it: a head without framing, and what was judged of it.
//
// stored_response is the cache's value: an answer with its whole body in one or more codings, or one of two
// markers: "this URL varies on ..." and "this URL was not cacheable a moment ago" (hit-for-miss).
// Lifecycle: immutable once shared; one more coding or a refreshed head makes a new one (store::replace).
// Threads: any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cache/store.hpp"
#include "compress/encoder.hpp"
#include "http/logic/cache_policy.hpp"
#include "http/logic/stored_head.hpp"
#include "http/logic/vary.hpp"
#include "http/session/body_data.hpp"

namespace fairing::http {

struct answer {
  stored_head head;
  http::freshness fresh;
  cache_reason reason = cache_reason::none;  // why it is not stored, if it is not
  bool store = false;
  bool open = false;  // may be given to requests with Cookie: public, s-maxage, or the route's word
  bool compressible = false;                    // by type, and nobody forbade it; status 200
  bool text_like = false;                       // compressible by type, whether or not Fairing may
  std::optional<std::uint64_t> content_length;  // as the origin announced it
  std::string content_type;
  vary_spec vary;
  std::vector<cache::tag_hash> tags;  // the URL's own among them
  std::string trailers;

  [[nodiscard]] std::size_t cost_bytes() const noexcept {
    return head.text.capacity() + head.etag.capacity() + content_type.capacity() +
           vary.names.capacity() * sizeof(std::string) + tags.capacity() * 8 + 96;
  }
};

enum class stored_kind : std::uint8_t {
  response,      // an answer with its body
  vary_marker,   // the names that the secondary key is made of
  hit_for_miss,  // was not cacheable: do not collapse requests for it
};

struct representation {
  body_ptr body;
  compress::effort effort = compress::effort::fast;
  // The fields of a whole answer that are its own, ETag to Vary, and "Age: ", which goes on from there. By make_stored.
  std::string fields;
};

class stored_response final : public cache::value {
 public:
  stored_response(stored_kind k, std::shared_ptr<const answer> a, std::size_t cost)
      : value(cost), kind(k), of(std::move(a)) {}

  const stored_kind kind;
  const std::shared_ptr<const answer> of;
  std::array<representation, compress::coding_count>
      codings;  // [identity] always there for a response
  // Background encodings asked for (bits by coding), and hits since, so that each is asked for once.
  mutable std::atomic<std::uint32_t> encoding_asked{0};
  mutable std::atomic<std::uint32_t> hits{0};
  mutable std::atomic<bool> refreshing{false};

  [[nodiscard]] const body_ptr& identity() const noexcept { return codings[0].body; }
};
using stored_ptr = boost::intrusive_ptr<const stored_response>;

// The ETag field as this coding has it, if there is one.
void append_etag(std::string& out, const answer& a, compress::coding c);

[[nodiscard]] stored_ptr make_stored(std::shared_ptr<const answer> a,
                                     std::array<representation, compress::coding_count> codings);
[[nodiscard]] stored_ptr make_vary_marker(vary_spec spec);
[[nodiscard]] stored_ptr make_hit_for_miss(cache_reason reason);

}  // namespace fairing::http
