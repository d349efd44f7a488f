// The handlers that change something: JSON in, one call of a view, JSON out.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "admin/handlers.hpp"
#include "admin/problem.hpp"

namespace fairing::admin::handlers {
namespace {

using nlohmann::json;

response document(const json& body, std::uint16_t status = 200) {
  response r;
  r.status = status;
  r.body = body.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  return r;
}

// The members of a request's JSON object, read one by one; the first fault is kept.
class object_reader {
 public:
  // An empty body is an empty object.
  explicit object_reader(const std::string& body) {
    value_ = body.empty() ? json::object() : json::parse(body, nullptr, false);
    if (value_.is_discarded())
      fault_ = "the body is not JSON";
    else if (!value_.is_object())
      fault_ = "the body must be a JSON object";
  }

  void only(std::initializer_list<std::string_view> known) {
    if (!fault_.empty()) return;
    for (const auto& [name, unused] : value_.items())
      if (std::find(known.begin(), known.end(), name) == known.end())
        return fault("`{}` is not known here; known are: {}", name, fmt::join(known, ", "));
  }

  void read(const char* name, bool& out) {
    const auto* v = find(name);
    if (v == nullptr) return;
    if (!v->is_boolean()) return fault("`{}` must be true or false", name);
    out = v->get<bool>();
  }

  void read(const char* name, std::string& out) {
    const auto* v = find(name);
    if (v == nullptr) return;
    if (!v->is_string()) return fault("`{}` must be a string", name);
    out = v->get<std::string>();
  }

  void read(const char* name, std::vector<std::string>& out) {
    const auto* v = find(name);
    if (v == nullptr) return;
    const bool strings = v->is_array() && std::all_of(v->begin(), v->end(), [](const json& item) {
                           return item.is_string();
                         });
    if (!strings) return fault("`{}` must be a list of strings", name);
    // One more than the bus takes is enough for it to refuse.
    for (const auto& item : *v)
      if (out.size() <= bus::max_purge_items) out.push_back(item.get<std::string>());
  }

  template <class... Args>
  void fault(fmt::format_string<Args...> text, Args&&... args) {
    if (fault_.empty()) fault_ = fmt::format(text, std::forward<Args>(args)...);
  }

  [[nodiscard]] const std::string& what_is_wrong() const { return fault_; }

 private:
  const json* find(const char* name) const {
    if (!fault_.empty()) return nullptr;
    const auto found = value_.find(name);
    return found == value_.end() ? nullptr : &*found;
  }

  json value_;
  std::string fault_;
};

// For bodies without members: {} or nothing.
std::optional<response> not_empty(const request& r) {
  object_reader in(r.body);
  in.only({});
  if (in.what_is_wrong().empty()) return std::nullopt;
  return refuse(problem::bad_request, "send {} or no body: " + in.what_is_wrong());
}

}  // namespace

response purge(const admin_views& v, const request& r) {
  bus::purge_request what;
  what.source = r.by_cli ? bus::purge_source::cli : bus::purge_source::api;
  bool soft = false;
  bool dry_run = false;
  std::string wait;
  object_reader in(r.body);
  in.only({"tags", "urls", "prefixes", "all", "soft", "dry_run", "wait"});
  in.read("tags", what.tags);
  in.read("urls", what.urls);
  in.read("prefixes", what.prefixes);
  in.read("all", what.all);
  in.read("soft", soft);
  in.read("dry_run", dry_run);
  in.read("wait", wait);
  if (!wait.empty()) in.fault("wait: `{}` needs that tier, which this version does not have", wait);
  if (!in.what_is_wrong().empty()) return refuse(problem::bad_request, in.what_is_wrong());
  what.kind = soft ? cache::purge_kind::soft : cache::purge_kind::hard;
  const auto done = v.purge(what, dry_run);
  if (!done) return refuse(problem::bad_request, done.error().message());
  if (dry_run) return document({{"dry_run", true}, {"matched", done->matched_hint}});
  json tiers = json::object();
  bool queued = false;
  for (const auto& t : done->tiers) {
    tiers[t.tier] = name_of(t.progress);
    queued = queued || t.progress == bus::tier_progress::queued;
  }
  return document({{"seq", done->seq}, {"tiers", std::move(tiers)}}, queued ? 202 : 200);
}

response no_jobs(const admin_views&, const request&) {
  return refuse(
      problem::not_found,
      "there is no jobs plane; `jobs` with listen and store, or --jobs LISTEN=STORE, adds it");
}

response reload(const admin_views& v, const request& r) {
  if (auto refused = not_empty(r)) return *std::move(refused);
  const auto changes = v.reload();
  if (!changes) return refuse(problem::reload_refused, changes.error().message());
  return document({{"changes", *changes}});
}

response set_bypass(const admin_views& v, const request& r) {
  std::string what;
  bool off = false;
  object_reader in(r.body);
  in.only({"what", "off"});
  in.read("what", what);
  in.read("off", off);
  if (what.empty()) in.fault("`what` must name a plane or rule");
  if (!in.what_is_wrong().empty()) return refuse(problem::bad_request, in.what_is_wrong());
  const auto now_off = v.set_bypass(what, off);
  if (!now_off) return refuse(problem::bad_request, now_off.error().message());
  return document({{"bypassed", *now_off}});
}

response drain(const admin_views& v, const request& r) {
  if (auto refused = not_empty(r)) return *std::move(refused);
  v.drain();
  return document({{"draining", true}}, 202);
}

}  // namespace fairing::admin::handlers
