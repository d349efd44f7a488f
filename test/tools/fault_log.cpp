#include "fault_log.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <fstream>
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

explained fault_log::explain(const std::vector<incident>& lost) {
  explained out;
  std::vector<const incident*> left;
  const auto take = [this](const incident& i, std::int64_t within, bool same_client) {
    for (auto& b : all_) {
      const auto after = i.at_us - b.at_us;
      if (!b.kills || b.used || after < 0 || after > within) continue;
      if (same_client && (b.client != i.client || !b.busy)) continue;
      return b.used = true;
    }
    return false;
  };
  for (const auto& i : lost)
    if (take(i, by_tag_us, true))
      ++out.by_tag;
    else
      left.push_back(&i);
  for (const auto* i : left)
    if (take(*i, loosely_us, false))
      ++out.loosely;
    else
      note(out, *i);
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
