#include "checklist/row_table.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/hash.hpp"

namespace fairing::checklist {

namespace {
constexpr char separator = '\n';  // configuration has none in names, and templates have none
}

row_key::row_key(std::string_view site, std::string_view route, std::string_view path,
                 row_method method) noexcept {
  text_[size_++] = static_cast<char>('a' + static_cast<int>(method));
  const auto put = [this](std::string_view part, std::size_t most) {
    part = part.substr(0, most);
    if (!part.empty()) std::memcpy(text_.data() + size_, part.data(), part.size());
    size_ += part.size();
    text_[size_++] = separator;
  };
  put(site, 120);
  put(route, 250);
  put(path, 256);
}

bool row_table::is_of(std::string_view key, std::string_view site,
                      std::string_view route) noexcept {
  key.remove_prefix(1);  // the method
  if (key.size() < site.size() + route.size() + 2 || !key.starts_with(site)) return false;
  key.remove_prefix(site.size() + 1);  // its separator too
  return key.data()[-1] == separator && key.starts_with(route) && key[route.size()] == separator;
}

std::size_t row_table::place_of(std::string_view key) {
  const auto hash = hash64(key, process_seed());
  auto slot = hash % index_.size();
  while (index_[slot] != 0) {
    auto& e = rows_[index_[slot] - 1u];
    if (e.hash == hash && e.key == key) return index_[slot] - 1u;
    slot = (slot + 1) % index_.size();
  }
  if (rows_.empty()) {
    const row_key other({}, {}, "(other)", row_method::not_of_path);
    rows_.push_back({0, std::string(other.bytes()), {}});  // not indexed: found by its place
  }
  if (rows_.size() == max_rows || key == rows_.front().key) return 0;
  rows_.push_back({hash, std::string(key), {}});
  index_[slot] = static_cast<std::uint16_t>(rows_.size());
  return rows_.size() - 1;
}

void row_table::forget_places() noexcept {
  index_.fill(0);
  known_.fill({});
}

void row_table::clear() noexcept {
  rows_.clear();
  forget_places();
  generation = -1;
}

bool row_table::retain(const std::function<bool(const row&)>& holds) {
  const auto all = std::exchange(rows_, {});
  forget_places();
  std::uint64_t kept = 0;
  bool dropped = false;
  for (const auto& e : all) {
    if (e.counts.requests == 0) continue;
    if (holds(unpack(e.key))) {
      at(e.key).merge(e.counts);
      ++kept;
    } else {
      dropped = true;
    }
  }
  if (kept == 0 && dropped) clear();
  return dropped;
}

row row_table::unpack(std::string_view key) {
  row r;
  r.method = static_cast<row_method>(key[0] - 'a');
  key.remove_prefix(1);
  for (auto* part : {&r.site, &r.route, &r.path}) {
    const auto end = key.find(separator);
    *part = key.substr(0, end);
    key.remove_prefix(std::min(end + 1, key.size()));
  }
  return r;
}

}  // namespace fairing::checklist
