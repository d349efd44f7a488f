// purge_bus: the one way in for purges, whoever asks: API, command line, PURGE, an unsafe method, a
// commit.
//
// Problem: every tier must learn of a purge, in an order that leaves no gap: the memory of this
// process (L1) first, then the shared tier, then L1 once more for what was filled from the shared
// tier in between, then the rest in the order they registered (peers, CDN). Who asks must not know
// which tiers there are.
//
// Flow:
//   purge_bus bus(log, registry, keys_of_url);
//   bus.add_tier(l2);                                   // at start, shared tiers before outer ones
//   auto done = bus.apply({.tags = {"products"}, .kind = purge_kind::soft, .source =
//   purge_source::api}); if (!done) answer 400 with done.error().message(); else answer done->seq
//   and done->tiers
//
// A request is checked whole before anything of it is applied: all or nothing.
// Threads: apply and count from any thread; add_tier before the first of them. apply holds no lock
// over tiers. Cost: O(items), independent of how many entries are concerned; count walks the store
// and is for dry runs.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "cache/purge_log.hpp"
#include "cache/store.hpp"
#include "metrics/registry.hpp"

namespace fairing::bus {

enum class purge_source : std::uint8_t {
  api,            // POST /v1/purge
  cli,            // fairing purge
  http_purge,     // the PURGE method on an http listener
  unsafe_method,  // a successful POST, PUT, DELETE ... through the proxy (RFC 9111 §4.4)
  sql,            // a commit seen by the sql plane
};
inline constexpr std::size_t purge_source_count = 5;
// The word used in metrics and logs.
[[nodiscard]] std::string_view name_of(purge_source s) noexcept;

enum class errc {
  empty_purge = 1,  // the request names nothing
  too_many_items,   // more than max_purge_items
  bad_tag,          // empty, or over max_tag_bytes
  bad_url,          // not of the form http://host[:port]/path
};
[[nodiscard]] std::error_code make_error_code(errc e) noexcept;

inline constexpr std::size_t max_purge_items = 1000;
inline constexpr std::size_t max_tag_bytes = 256;

struct purge_request {
  std::vector<std::string> tags;
  std::vector<std::string> urls;      // http://host[:port]/path?query; all variants of each
  std::vector<std::string> prefixes;  // the same form, matched from the start
  bool all = false;
  cache::purge_kind kind = cache::purge_kind::hard;
  purge_source source = purge_source::api;
};

enum class tier_progress : std::uint8_t {
  done,    // nothing older is served from it any more
  queued,  // it will be, once the tier answers
  failed,  // the tier refused; its ttl bounds what stays
};
[[nodiscard]] std::string_view name_of(tier_progress p) noexcept;

struct tier_state {
  std::string tier;  // "l1", "l2", "edge" ...
  tier_progress progress = tier_progress::done;
};

struct purge_outcome {
  cache::purge_seq seq = 0;  // entries checked at or after it are younger than the purge
  std::vector<tier_state> tiers;
  std::uint64_t matched_hint = 0;  // how many entries of L1 are concerned; only dry runs count
};

// A request as tiers get it: hashes and primary keys.
struct purge_items {
  std::vector<cache::tag_hash> tags;  // tags, and the implicit tags of URLs
  std::vector<std::string> prefixes;  // of primary keys
  bool all = false;
  cache::purge_kind kind = cache::purge_kind::hard;
};

// A tier beyond L1. Called in order of registration; must return at once (queue, do not wait).
class purge_tier {
 public:
  virtual ~purge_tier() = default;
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  // Whether L1 can be filled from it: then L1 is purged again after it.
  [[nodiscard]] virtual bool fills_l1() const noexcept = 0;
  virtual tier_progress apply(const purge_request& request, const purge_items& items) = 0;
};

class purge_bus {
 public:
  // The primary cache keys of a URL (or of a URL's beginning), one a site; empty if it is none.
  using keys_of_url = std::function<std::vector<std::string>(std::string_view url)>;

  purge_bus(cache::purge_log& log, metrics::registry& registry, keys_of_url keys);

  // Not owned; must outlive the bus.
  void add_tier(purge_tier& tier) { tiers_.push_back(&tier); }

  result<purge_outcome> apply(const purge_request& request);

  // One URL by its primary key, all variants: what an unsafe method or a PURGE of a URL asks for.
  cache::purge_seq apply_key(std::string_view key, purge_source source, cache::purge_kind kind);

  // A dry run: how many live entries of `store` the request concerns. Nothing is purged.
  result<purge_outcome> count(const purge_request& request, const cache::store& store,
                              instant now) const;

 private:
  [[nodiscard]] result<purge_items> resolve(const purge_request& request) const;
  purge_outcome apply_items(const purge_request& request, const purge_items& items);
  cache::purge_seq purge_l1(const purge_items& items);

  cache::purge_log& log_;
  keys_of_url keys_;
  std::vector<purge_tier*> tiers_;
  std::array<metrics::counter, purge_source_count> purges_;
  metrics::histogram lag_;
};

}  // namespace fairing::bus

template <>
struct std::is_error_code_enum<fairing::bus::errc> : std::true_type {};
