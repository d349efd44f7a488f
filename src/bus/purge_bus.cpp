#include "bus/purge_bus.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace fairing::bus {

namespace {

class bus_category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "bus"; }
  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<errc>(code)) {
      case errc::empty_purge:
        return "the purge names no tag, url or prefix, and not all";
      case errc::too_many_items:
        return "too many items in one purge";
      case errc::bad_tag:
        return "a tag is empty or too long";
      case errc::bad_url:
        return "a url is not of the form http://host/path";
    }
    return "unknown bus error";
  }
};

}  // namespace

std::error_code make_error_code(errc e) noexcept {
  static const bus_category category;
  return {static_cast<int>(e), category};
}

std::string_view name_of(purge_source s) noexcept {
  switch (s) {
    case purge_source::api:
      return "api";
    case purge_source::cli:
      return "cli";
    case purge_source::http_purge:
      return "http_purge";
    case purge_source::unsafe_method:
      return "unsafe_method";
    case purge_source::sql:
      return "sql";
  }
  return "unknown";
}

std::string_view name_of(tier_progress p) noexcept {
  switch (p) {
    case tier_progress::done:
      return "done";
    case tier_progress::queued:
      return "queued";
    case tier_progress::failed:
      return "failed";
  }
  return "unknown";
}

purge_bus::purge_bus(cache::purge_log& log, metrics::registry& registry, keys_of_url keys)
    : log_(log), keys_(std::move(keys)) {
  for (std::size_t i = 0; i < purge_source_count; ++i)
    purges_[i] =
        registry.add_counter("fairing_purge_total", "Purges applied, by who asked.",
                             {{"source", std::string(name_of(static_cast<purge_source>(i)))}});
  lag_ = registry.add_histogram("fairing_purge_lag_seconds",
                                "From a purge's arrival until every tier has it or has queued it.");
}

result<purge_items> purge_bus::resolve(const purge_request& request) const {
  const std::size_t count = request.tags.size() + request.urls.size() + request.prefixes.size();
  if (count == 0 && !request.all) return fail(errc::empty_purge);
  if (count > max_purge_items)
    return fail(errc::too_many_items,
                fmt::format("{} items in one purge; at most {}: split it", count, max_purge_items));
  purge_items items;
  items.all = request.all;
  items.kind = request.kind;
  items.tags.reserve(request.tags.size() + request.urls.size());
  for (std::size_t i = 0; i < request.tags.size(); ++i) {
    const std::string& tag = request.tags[i];
    if (tag.empty() || tag.size() > max_tag_bytes)
      return fail(errc::bad_tag, fmt::format("tags[{}] has {} bytes; a tag has 1 to {}", i,
                                             tag.size(), max_tag_bytes));
    items.tags.push_back(cache::tag_of(tag));
  }
  const auto bad_url = [](std::string_view list, std::size_t i) {
    return fail(errc::bad_url,
                fmt::format("{}[{}] is not of the form http://host[:port]/path", list, i));
  };
  for (std::size_t i = 0; i < request.urls.size(); ++i) {
    const auto keys = keys_(request.urls[i]);
    if (keys.empty()) return bad_url("urls", i);
    for (const auto& key : keys) items.tags.push_back(cache::url_tag_of(key));
  }
  for (std::size_t i = 0; i < request.prefixes.size(); ++i) {
    auto keys = keys_(request.prefixes[i]);
    if (keys.empty()) return bad_url("prefixes", i);
    std::ranges::move(keys, std::back_inserter(items.prefixes));
  }
  return items;
}

cache::purge_seq purge_bus::purge_l1(const purge_items& items) {
  cache::purge_seq seq = log_.seq();
  if (items.all) return log_.purge_all(items.kind);  // covers the rest
  for (const auto tag : items.tags) seq = log_.purge_tag(tag, items.kind);
  for (const auto& prefix : items.prefixes) seq = log_.purge_prefix(prefix, items.kind);
  return seq;
}

result<purge_outcome> purge_bus::apply(const purge_request& request) {
  auto items = resolve(request);
  if (!items) return std::unexpected(items.error());
  return apply_items(request, *items);
}

cache::purge_seq purge_bus::apply_key(std::string_view key, purge_source source,
                                      cache::purge_kind kind) {
  purge_request request;
  request.source = source;
  request.kind = kind;
  return apply_items(request, {.tags = {cache::url_tag_of(key)}, .kind = kind}).seq;
}

purge_outcome purge_bus::apply_items(const purge_request& request, const purge_items& items) {
  const std::int64_t arrived_us = precise_us();
  purge_outcome outcome;
  outcome.seq = purge_l1(items);
  outcome.tiers.push_back({"l1", tier_progress::done});
  for (purge_tier* tier : tiers_) {
    outcome.tiers.push_back({std::string(tier->name()), tier->apply(request, items)});
    // What L1 took from that tier since its own purge may be old.
    if (tier->fills_l1()) outcome.seq = purge_l1(items);
  }
  purges_[static_cast<std::size_t>(request.source)].add();
  lag_.observe_us(precise_us() - arrived_us);
  return outcome;
}

result<purge_outcome> purge_bus::count(const purge_request& request, const cache::store& store,
                                       instant now) const {
  auto items = resolve(request);
  if (!items) return std::unexpected(items.error());
  std::ranges::sort(items->tags);
  purge_outcome outcome;
  outcome.seq = log_.seq();
  store.for_each_entry(now, [&](const cache::entry_view& e) {
    const bool tagged = std::ranges::any_of(
        e.tags, [&](cache::tag_hash tag) { return std::ranges::binary_search(items->tags, tag); });
    const bool prefixed = std::ranges::any_of(
        items->prefixes, [&](const std::string& p) { return e.key.starts_with(p); });
    outcome.matched_hint += items->all || tagged || prefixed;
    return true;
  });
  return outcome;
}

}  // namespace fairing::bus
