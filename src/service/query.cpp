#include "service/query.hpp"

#include <algorithm>

namespace fairing::service {
namespace {

constexpr std::size_t max_params = 32;

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool decode(std::string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out.push_back(' ');
    } else if (text[i] != '%') {
      out.push_back(text[i]);
    } else {
      if (i + 2 >= text.size()) return false;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return false;
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    }
  }
  return true;
}

}  // namespace

query_params::query_params(std::string_view query) {
  while (!query.empty() && ok_) {
    const auto end = query.find('&');
    const auto item = query.substr(0, end);
    if (!item.empty()) {
      const auto equals = item.find('=');
      std::pair<std::string, std::string> p;
      ok_ = items_.size() < max_params && decode(item.substr(0, equals), p.first) &&
            (equals == std::string_view::npos || decode(item.substr(equals + 1), p.second));
      items_.push_back(std::move(p));
    }
    if (end == std::string_view::npos) break;
    query.remove_prefix(end + 1);
  }
}

std::optional<std::string> query_params::get(std::string_view name) const {
  for (const auto& [key, value] : items_)
    if (key == name) return value;
  return std::nullopt;
}

std::string query_params::unknown(std::initializer_list<std::string_view> known) const {
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const auto& name = items_[i].first;
    if (std::find(known.begin(), known.end(), name) == known.end()) return name;
    for (std::size_t j = 0; j < i; ++j)
      if (items_[j].first == name) return name;
  }
  return {};
}

}  // namespace fairing::service
