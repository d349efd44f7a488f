#include "metrics/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "metrics/block.hpp"

namespace fairing::metrics::detail {

namespace {

constexpr std::string_view refused_name = "fairing_metrics_refused_total";

// A copy of what is to be written, so that callbacks run without the registry's mutex.
struct sample {
  labels shown;
  std::vector<std::int64_t> bounds_us;
  std::vector<std::uint64_t> cells;  // one, or buckets, +Inf and sum; empty for a callback
  std::shared_ptr<callback> from_callback;
};

struct family_copy {
  std::string name;
  std::string help;
  metric_type type;
  std::vector<sample> samples;
};

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (char c : text) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '\n')
      out += "\\n";
    else if (c == '"' && quotes)
      out += "\\\"";
    else
      out += c;
  }
}

void append_number(std::string& out, double value) {
  if (std::isnan(value))
    out += "NaN";
  else if (std::isinf(value))
    out += value > 0 ? "+Inf" : "-Inf";
  else
    fmt::format_to(std::back_inserter(out), "{}", value);
}

// {a="1",le="0.5"}; nothing when there is no label. le is left out when empty.
void append_labels(std::string& out, const labels& l, std::string_view le = {}) {
  if (l.empty() && le.empty()) return;
  out += '{';
  for (const auto& [key, value] : l) {
    if (out.back() != '{') out += ',';
    out += key;
    out += "=\"";
    append_escaped(out, value, true);
    out += '"';
  }
  if (!le.empty()) {
    if (out.back() != '{') out += ',';
    fmt::format_to(std::back_inserter(out), "le=\"{}\"", le);
  }
  out += '}';
}

void append_histogram(std::string& out, const std::string& name, const sample& s) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i <= s.bounds_us.size(); ++i) {
    total += s.cells[i];
    std::string le = "+Inf";
    if (i < s.bounds_us.size()) {
      le.clear();
      append_number(le, static_cast<double>(s.bounds_us[i]) / 1e6);
    }
    out += name;
    out += "_bucket";
    append_labels(out, s.shown, le);
    fmt::format_to(std::back_inserter(out), " {}\n", total);
  }
  out += name;
  out += "_sum";
  append_labels(out, s.shown);
  out += ' ';
  append_number(out, static_cast<double>(s.cells.back()) / 1e6);
  out += '\n';
  out += name;
  out += "_count";
  append_labels(out, s.shown);
  fmt::format_to(std::back_inserter(out), " {}\n", total);
}

void append_value(std::string& out, const family_copy& f, const sample& s) {
  std::string number;
  if (s.from_callback) {
    const std::lock_guard running(s.from_callback->mutex);
    if (!s.from_callback->read) return;  // unregistered since the copy was made
    append_number(number, s.from_callback->read());
  } else if (f.type == metric_type::gauge) {
    number = fmt::format("{}", static_cast<std::int64_t>(s.cells.front()));
  } else {
    number = fmt::format("{}", s.cells.front());
  }
  out += f.name;
  append_labels(out, s.shown);
  out += ' ';
  out += number;
  out += '\n';
}

// Is this callback replaced by a newer one with the same labels?
bool is_replaced(const family& f, std::size_t index) {
  const auto& s = *f.members[index];
  if (!s.from_callback) return false;
  for (std::size_t later = index + 1; later < f.members.size(); ++later) {
    const auto& other = *f.members[later];
    if (other.from_callback &&
        std::is_permutation(s.shown.begin(), s.shown.end(), other.shown.begin(), other.shown.end()))
      return true;
  }
  return false;
}

std::vector<family_copy> copy_of(const registry_impl& impl, std::uint64_t& refused) {
  const std::lock_guard lock(impl.mutex);
  refused = impl.refused;
  std::vector<family_copy> out;
  for (const auto& f : impl.families) {
    family_copy copy{f.name, f.help, f.type, {}};
    for (std::size_t i = 0; i < f.members.size(); ++i) {
      if (is_replaced(f, i)) continue;
      const auto& s = *f.members[i];
      sample made{s.shown, s.bounds_us, {}, s.from_callback};
      if (!s.from_callback) {
        const auto count = f.type == metric_type::histogram
                               ? static_cast<std::uint32_t>(s.bounds_us.size()) + 2
                               : 1U;
        for (std::uint32_t c = 0; c < count; ++c) made.cells.push_back(impl.sum(s.cell + c));
      }
      copy.samples.push_back(std::move(made));
    }
    if (!copy.samples.empty()) out.push_back(std::move(copy));
  }
  return out;
}

void append_head(std::string& out, std::string_view name, std::string_view help,
                 std::string_view type) {
  fmt::format_to(std::back_inserter(out), "# HELP {} ", name);
  append_escaped(out, help, false);
  fmt::format_to(std::back_inserter(out), "\n# TYPE {} {}\n", name, type);
}

bool name_char(char c, bool first, bool colon) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colon && c == ':') ||
         (!first && c >= '0' && c <= '9');
}

bool valid(std::string_view name, bool colon) {
  if (name.empty()) return false;
  for (std::size_t i = 0; i < name.size(); ++i)
    if (!name_char(name[i], i == 0, colon)) return false;
  return true;
}

}  // namespace

bool valid_name(std::string_view name) noexcept { return valid(name, true); }

bool valid_label_name(std::string_view name) noexcept { return name != "le" && valid(name, false); }

std::string render_text(const registry_impl& impl) {
  std::uint64_t refused = 0;
  const auto families = copy_of(impl, refused);
  std::string out;
  for (const auto& f : families) {
    append_head(out, f.name, f.help, to_string(f.type));
    for (const auto& s : f.samples) {
      if (f.type == metric_type::histogram)
        append_histogram(out, f.name, s);
      else
        append_value(out, f, s);
    }
  }
  append_head(out, refused_name, "Metrics that could not be registered: too many, or a bug.",
              "counter");
  fmt::format_to(std::back_inserter(out), "{} {}\n", refused_name, refused);
  return out;
}

}  // namespace fairing::metrics::detail
