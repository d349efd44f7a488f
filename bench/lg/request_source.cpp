#include "bench/lg/request_source.hpp"

#include <array>
#include <charconv>

namespace fairing::bench {

request_source::request_source(const request_plan& plan) : first_(plan.first), cycle_(plan.cycle) {
  constexpr std::string_view mark = "{n}";
  for (auto target : plan.targets) {
    if (plan.unique && target.find(mark) == target.npos) {
      target += target.find('?') == target.npos ? "?u={n}" : "&u={n}";
    }
    std::string tail = " HTTP/1.1\r\nHost: " + plan.authority + "\r\n";
    for (const auto& field : plan.fields) tail += field + "\r\n";
    tail += "\r\n";
    const auto at = target.find(mark);
    if (at == target.npos) {
      requests_.push_back({plan.method + " " + target + tail, {}, false});
    } else {
      requests_.push_back(
          {plan.method + " " + target.substr(0, at), target.substr(at + mark.size()) + tail, true});
    }
  }
}

void request_source::append_next(std::string& out) {
  const auto& request = requests_[turn_];
  if (++turn_ == requests_.size()) turn_ = 0;
  out += request.before;
  if (request.numbered) {
    std::array<char, 20> digits;
    const auto n = first_ + (cycle_ == 0 ? made_ : made_ % cycle_);
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), n).ptr;
    out.append(digits.data(), end);
    out += request.after;
    ++made_;
  }
}

bool split_url(std::string_view url, url_parts& out) {
  constexpr std::string_view scheme = "http://";
  if (!url.starts_with(scheme)) return false;
  url.remove_prefix(scheme.size());
  const auto slash = url.find('/');
  const auto authority = url.substr(0, slash);
  out.target = slash == url.npos ? "/" : std::string(url.substr(slash));
  const auto colon = authority.rfind(':');
  out.host = authority.substr(0, colon);
  out.port = 80;
  if (colon != authority.npos) {
    const auto digits = authority.substr(colon + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
    if (error != std::errc{} || end != digits.data() + digits.size()) return false;
  }
  return !out.host.empty();
}

}  // namespace fairing::bench
