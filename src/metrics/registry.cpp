#include "metrics/registry.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/assert.hpp"
#include "metrics/block.hpp"
#include "metrics/text.hpp"

namespace fairing::metrics {

using detail::cells_per_registry;
using detail::family;
using detail::metric_type;
using detail::registry_impl;
using detail::series;

namespace {

constexpr std::array<double, 19> default_bounds{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                                0.025,  0.05,    0.075,  0.1,   0.25,   0.5,   0.75,
                                                1,      2.5,     5,      7.5,   10};

labels sorted(labels l) {
  std::sort(l.begin(), l.end());
  return l;
}

// Finds or adds the family; null for a name that is not valid or is taken by another type.
family* family_for(registry_impl& impl, std::string_view name, std::string_view help,
                   metric_type type) {
  if (!detail::valid_name(name)) {
    FAIRING_BUG("metric_name_not_valid");
    return nullptr;
  }
  for (auto& f : impl.families) {
    if (f.name != name) continue;
    if (f.type == type) return &f;
    FAIRING_BUG("metric_registered_as_two_types");
    return nullptr;
  }
  impl.families.push_back({std::string(name), std::string(help), type, {}});
  return &impl.families.back();
}

bool valid_labels(const labels& l) {
  for (const auto& [key, value] : l)
    if (!detail::valid_label_name(key)) return false;
  return true;
}

series* find_series(family& f, const labels& wanted) {
  const auto key = sorted(wanted);
  for (auto& s : f.members)
    if (!s->from_callback && sorted(s->shown) == key) return s.get();
  return nullptr;
}

// Finds or adds the series with `count` cells of its own; null when it is refused. Caller holds the
// mutex.
series* cells_for(registry_impl& impl, std::string_view name, std::string_view help,
                  metric_type type, labels l, std::vector<std::int64_t> bounds_us) {
  auto* f = family_for(impl, name, help, type);
  if (f == nullptr || !valid_labels(l)) return nullptr;
  if (auto* known = find_series(*f, l)) return known;
  const auto count =
      type == metric_type::histogram ? static_cast<std::uint32_t>(bounds_us.size()) + 2 : 1U;
  auto& free = impl.free_cells;
  const auto fits =
      std::find_if(free.begin(), free.end(), [&](const auto& f) { return f.first == count; });
  if (fits == free.end() && count > cells_per_registry - impl.next_cell) return nullptr;
  auto made = std::make_unique<series>();
  made->shown = std::move(l);
  made->cell = fits != free.end() ? fits->second : impl.next_cell;
  made->bounds_us = std::move(bounds_us);
  if (fits != free.end())
    free.erase(fits);
  else
    impl.next_cell += count;
  f->members.push_back(std::move(made));
  return f->members.back().get();
}

enum class hold : std::uint8_t {
  forever,  // registered with the registry itself
  scoped,   // until registry_impl::release
};

series* registered(registry_impl& impl, std::string_view name, std::string_view help,
                   metric_type type, labels l, std::vector<std::int64_t> bounds_us = {},
                   hold how = hold::forever) {
  const std::lock_guard lock(impl.mutex);
  auto* s = cells_for(impl, name, help, type, std::move(l), std::move(bounds_us));
  if (s == nullptr)
    ++impl.refused;
  else if (how == hold::scoped)
    ++s->scopes;
  else
    s->permanent = true;
  return s;
}

// Strictly growing whole microseconds.
std::vector<std::int64_t> bounds_in_us(std::span<const double> bounds) {
  std::vector<std::int64_t> out;
  for (double bound : bounds) {
    const auto us = static_cast<std::int64_t>(std::llround(bound * 1e6));
    if (out.empty() || us > out.back()) out.push_back(us);
  }
  return out;
}

std::uint64_t locked_sum(const registry_impl* impl, std::uint32_t cell) {
  if (impl == nullptr) return 0;
  const std::lock_guard lock(impl->mutex);
  return impl->sum(cell);
}

}  // namespace

std::span<const double> duration_bounds() noexcept { return default_bounds; }

std::uint64_t counter::value() const { return locked_sum(owner_, cell_); }

std::int64_t gauge::value() const { return static_cast<std::int64_t>(locked_sum(owner_, cell_)); }

void histogram::observe_us(std::int64_t microseconds) const noexcept {
  if (owner_ == nullptr) return;
  const auto us = std::max<std::int64_t>(microseconds, 0);
  // From the lowest: what is counted by the hundred thousand a second is short.
  const auto* bucket = bounds_us_;
  const auto* const end = bounds_us_ + buckets_;
  while (bucket != end && *bucket < us) ++bucket;
  detail::add(owner_, cell_ + static_cast<std::uint32_t>(bucket - bounds_us_), 1);
  detail::add(owner_, cell_ + buckets_ + 1, static_cast<std::uint64_t>(us));
}

std::uint64_t histogram::count() const {
  if (owner_ == nullptr) return 0;
  const std::lock_guard lock(owner_->mutex);
  std::uint64_t total = 0;
  for (std::uint32_t i = 0; i <= buckets_; ++i) total += owner_->sum(cell_ + i);
  return total;
}

double histogram::sum_seconds() const {
  return static_cast<double>(locked_sum(owner_, cell_ + buckets_ + 1)) / 1e6;
}

double histogram::quantile(double q) const {
  const auto total = count();
  if (total == 0 || buckets_ == 0) return 0;
  const double wanted = std::clamp(q, 0.0, 1.0) * static_cast<double>(total);
  const std::lock_guard lock(owner_->mutex);
  std::uint64_t below = 0;
  for (std::uint32_t i = 0; i < buckets_; ++i) {
    below += owner_->sum(cell_ + i);
    if (below > 0 && static_cast<double>(below) >= wanted)
      return static_cast<double>(bounds_us_[i]) / 1e6;
  }
  return static_cast<double>(bounds_us_[buckets_ - 1]) / 1e6;
}

registry::registry() : impl_(std::make_shared<registry_impl>()) {}

registry::~registry() { impl_->closed.store(true, std::memory_order_release); }

counter registry::add_counter(std::string_view name, std::string_view help, labels l) {
  counter out;
  if (const auto* s = registered(*impl_, name, help, metric_type::counter, std::move(l))) {
    out.owner_ = impl_.get();
    out.cell_ = s->cell;
  }
  return out;
}

gauge registry::add_gauge(std::string_view name, std::string_view help, labels l) {
  gauge out;
  if (const auto* s = registered(*impl_, name, help, metric_type::gauge, std::move(l))) {
    out.owner_ = impl_.get();
    out.cell_ = s->cell;
  }
  return out;
}

histogram registry::add_histogram(std::string_view name, std::string_view help, labels l,
                                  std::span<const double> bounds) {
  histogram out;
  auto us = bounds_in_us(bounds);
  if (const auto* s =
          registered(*impl_, name, help, metric_type::histogram, std::move(l), std::move(us))) {
    out.owner_ = impl_.get();
    out.cell_ = s->cell;
    out.buckets_ = static_cast<std::uint32_t>(s->bounds_us.size());
    out.bounds_us_ = s->bounds_us.data();
  }
  return out;
}

registry::guard registry::add_callback(std::string_view name, std::string_view help,
                                       std::string_view type, labels l,
                                       std::function<double()> read) {
  const auto kind = type == "counter" ? metric_type::counter : metric_type::gauge;
  auto entry = std::make_shared<detail::callback>();
  entry->read = std::move(read);
  {
    const std::lock_guard lock(impl_->mutex);
    auto* f =
        impl_->callbacks < cells_per_registry ? family_for(*impl_, name, help, kind) : nullptr;
    if (f == nullptr || !valid_labels(l)) {
      ++impl_->refused;
      return nullptr;
    }
    auto made = std::make_unique<series>();
    made->shown = std::move(l);
    made->from_callback = entry;
    f->members.push_back(std::move(made));
    ++impl_->callbacks;
  }
  const auto unregister = [weak = std::weak_ptr(impl_)](detail::callback* gone) {
    {
      const std::lock_guard running(gone->mutex);
      gone->read = nullptr;
    }
    const auto impl = weak.lock();
    if (!impl) return;
    const std::lock_guard lock(impl->mutex);
    for (auto& f : impl->families)
      impl->callbacks -=
          std::erase_if(f.members, [&](const auto& s) { return s->from_callback.get() == gone; });
  };
  // The guard's deleter unregisters; `entry` in the capture keeps the callback itself alive until
  // then.
  return guard(entry.get(), [unregister, entry](void*) { unregister(entry.get()); });
}

scope::~scope() {
  for (const auto* s : held_) impl_->release(s);
}

counter scope::add_counter(std::string_view name, std::string_view help, labels l) {
  counter out;
  const auto* s =
      registered(*impl_, name, help, metric_type::counter, std::move(l), {}, hold::scoped);
  if (s == nullptr) return out;
  held_.push_back(s);
  out.owner_ = impl_.get();
  out.cell_ = s->cell;
  return out;
}

histogram scope::add_histogram(std::string_view name, std::string_view help, labels l,
                               std::span<const double> bounds) {
  histogram out;
  const auto* s = registered(*impl_, name, help, metric_type::histogram, std::move(l),
                             bounds_in_us(bounds), hold::scoped);
  if (s == nullptr) return out;
  held_.push_back(s);
  out.owner_ = impl_.get();
  out.cell_ = s->cell;
  out.buckets_ = static_cast<std::uint32_t>(s->bounds_us.size());
  out.bounds_us_ = s->bounds_us.data();
  return out;
}

std::string registry::render() const { return detail::render_text(*impl_); }

}  // namespace fairing::metrics
