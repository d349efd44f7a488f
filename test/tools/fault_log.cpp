#include "fault_log.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <functional>
#include <sstream>
#include <stdexcept>

#include "script.hpp"

namespace fairing::torture {

namespace {
// How long after a kill its client may come to know: it may be stalled, or busy with the bytes before.
constexpr std::int64_t by_tag_us = 20'000'000;
constexpr std::int64_t loosely_us = 3'000'000;
constexpr std::int64_t refused_us = 15'000'000;
constexpr std::size_t longest_tag = 40;

void note(explained& to, const incident& i) {
  if (to.not_at_all++ > 0) return;
  to.first = fmt::format("client {} at {} us, SQLSTATE {}: {}", i.client, i.at_us,
                         i.sqlstate.empty() ? "none" : i.sqlstate, i.text);
}
}  // namespace

std::optional<std::uint32_t> client_of_tag(std::string_view tag) {
  if (tag.size() < 2 || tag[0] != tag_mark) return std::nullopt;
  std::uint32_t client = 0;
  const auto [end, error] = std::from_chars(tag.data() + 1, tag.data() + tag.size(), client);
  if (error != std::errc{} || end == tag.data() + tag.size() || *end != '.') return std::nullopt;
  return client;
}

std::string_view last_tag(std::string_view bytes) {
  auto end = bytes.rfind(tag_mark);
  while (end != bytes.npos && end > 0) {
    const auto begin = bytes.rfind(tag_mark, end - 1);
    if (begin == bytes.npos) return {};
    const auto tag = bytes.substr(begin, end - begin + 1);
    if (tag.size() <= longest_tag && client_of_tag(tag)) return tag;
    end = begin;
  }
  return {};
}

fault_log fault_log::read(const std::string& path) {
  fault_log out;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    broken b;
    std::string tag;
    if (!(fields >> b.at_us >> b.what >> b.busy >> tag))
      throw std::runtime_error(fmt::format("{}: `{}` is no line of a fault log", path, line));
    b.kills = b.what.starts_with("kill");
    b.client = client_of_tag(tag);
    out.add(std::move(b));
  }
  return out;
}

std::size_t fault_log::kills() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(all_, [](const broken& b) { return b.kills; }));
}

// Which kill explains which loss, each at most one: a maximum matching (Kuhn's augmenting paths), since a kill may fit
// several losses. Those of the same client first: once matched, a loss stays matched.
explained fault_log::explain(const std::vector<incident>& lost) const {
  constexpr std::size_t nobody = SIZE_MAX;
  const auto by_tag = [this](const incident& i, std::size_t k) {
    const auto after = i.at_us - all_[k].at_us;
    return all_[k].kills && all_[k].busy && all_[k].client == i.client && after >= 0 &&
           after <= by_tag_us;
  };
  const auto loosely = [this](const incident& i, std::size_t k) {
    const auto after = i.at_us - all_[k].at_us;
    return all_[k].kills && after >= 0 && after <= loosely_us;
  };
  std::vector<std::size_t> loss_of(all_.size(), nobody);
  std::vector<char> tried;
  const std::function<bool(std::size_t, bool)> match = [&](std::size_t loss, bool any) {
    for (std::size_t k = 0; k < all_.size(); ++k) {
      if (tried[k] || !(by_tag(lost[loss], k) || (any && loosely(lost[loss], k)))) continue;
      tried[k] = 1;
      if (loss_of[k] != nobody && !match(loss_of[k], any)) continue;
      loss_of[k] = loss;
      return true;
    }
    return false;
  };
  std::vector<std::size_t> left;
  for (std::size_t i = 0; i < lost.size(); ++i) {
    tried.assign(all_.size(), 0);
    if (!match(i, false)) left.push_back(i);
  }
  explained out;
  for (const auto i : left) {
    tried.assign(all_.size(), 0);
    if (!match(i, true)) note(out, lost[i]);
  }
  for (std::size_t k = 0; k < all_.size(); ++k)
    if (loss_of[k] != nobody) ++(by_tag(lost[loss_of[k]], k) ? out.by_tag : out.loosely);
  return out;
}

explained fault_log::explain_refused(const std::vector<incident>& refused) const {
  explained out;
  for (const auto& i : refused) {
    const bool known = std::ranges::any_of(all_, [&i](const broken& b) {
      return b.kills && i.at_us >= b.at_us && i.at_us - b.at_us <= refused_us;
    });
    if (known)
      ++out.loosely;
    else
      note(out, i);
  }
  return out;
}

}  // namespace fairing::torture
