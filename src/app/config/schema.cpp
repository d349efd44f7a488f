#include "app/config/schema.hpp"

#include <fmt/format.h>

namespace fairing::config {

namespace {

// A config in which every list has one element and every optional section is there: what defaults
// are read from.
struct defaults {
  config root;
  scope whole;

  defaults() {
    auto& s = root.http.emplace_back();
    s.tls.emplace();
    auto& u = s.upstreams.emplace_back();
    auto& r = s.routes.emplace_back();
    r.rate_limit.emplace();
    r.async.emplace();
    auto& plane = root.sql.emplace();
    auto& work = root.jobs.emplace();
    auto& queue = work.queues.emplace_back();
    whole = {.root = &root,
             .site = &s,
             .upstream = &u,
             .route = &r,
             .user = &plane.users.emplace_back(),
             .queue = &queue,
             .cron = &queue.cron.emplace_back()};
  }
};

void insert(schema_node& root, const field& f) {
  schema_node* at = &root;
  std::string_view rest = f.path;
  while (true) {
    const auto dot = rest.find('.');
    auto part = rest.substr(0, dot);
    if (part.ends_with("[]")) part.remove_suffix(2);
    schema_node* found = nullptr;
    for (auto& c : at->children)
      if (c.name == part) found = &c;
    if (found == nullptr) {
      at->children.push_back({std::string(part), nullptr, {}});
      found = &at->children.back();
    }
    at = found;
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  at->row = &f;
}

std::string list_text(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const auto& i : items) out += (out.size() > 1 ? ", " : "") + i;
  return out + "]";
}

std::string word_text(const field& f, const word& w) {
  const auto known = words_of(f);
  return w.index < known.size() && w.text.empty() ? known[w.index] : w.text;
}

}  // namespace

bool takes_auto(const field& f) { return f.kind == field_kind::integer && f.words == "auto"; }

const schema_node* schema_node::child(std::string_view key) const {
  for (const auto& c : children)
    if (c.name == key) return &c;
  return nullptr;
}

std::vector<std::string> schema_node::child_names() const {
  std::vector<std::string> out;
  out.reserve(children.size());
  for (const auto& c : children) out.push_back(c.name);
  return out;
}

const schema_node& schema() {
  static const schema_node root = [] {
    schema_node made;
    for (const auto& f : fields()) insert(made, f);
    return made;
  }();
  return root;
}

std::vector<std::string> words_of(const field& f) {
  std::vector<std::string> out;
  std::string_view rest = f.words;
  while (!rest.empty()) {
    const auto bar = rest.find('|');
    out.emplace_back(rest.substr(0, bar));
    rest = bar == std::string_view::npos ? std::string_view{} : rest.substr(bar + 1);
  }
  return out;
}

std::string to_text(const field& f, const value& v) {
  struct printer {
    const field& f;
    std::string operator()(std::monostate) const { return takes_auto(f) ? "auto" : ""; }
    std::string operator()(bool b) const { return b ? "true" : "false"; }
    std::string operator()(std::uint64_t n) const {
      return f.kind == field_kind::size ? format_size(n) : fmt::format("{}", n);
    }
    std::string operator()(double d) const {
      return f.kind == field_kind::share ? fmt::format("{:g}%", d * 100) : fmt::format("{:g}", d);
    }
    std::string operator()(milliseconds d) const { return format_duration(d); }
    std::string operator()(const std::string& s) const { return s; }
    std::string operator()(const std::vector<std::string>& l) const { return list_text(l); }
    std::string operator()(const rate& r) const {
      return fmt::format("{}/{}", r.count, format_duration(r.period));
    }
    std::string operator()(const word& w) const { return word_text(f, w); }
    std::string operator()(const std::vector<word>& l) const {
      std::vector<std::string> texts;
      texts.reserve(l.size());
      for (const auto& w : l) texts.push_back(word_text(f, w));
      return list_text(texts);
    }
  };
  return std::visit(printer{f}, v);
}

std::string default_text(const field& f) {
  if (!f.fallback.empty()) return std::string(f.fallback);
  if (f.required || f.bind.get == nullptr) return {};
  static defaults made;
  return to_text(f, f.bind.get(made.whole));
}

std::string join(std::string_view parent, std::string_view key) {
  return parent.empty() ? std::string(key) : fmt::format("{}.{}", parent, key);
}

}  // namespace fairing::config
