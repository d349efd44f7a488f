#include "app/advise/advice_rounds.hpp"

#include <algorithm>
#include <array>

namespace fairing::app::advise {

bool advice_rounds::due(std::uint64_t calls) noexcept {
  const bool yes = first_ || calls != calls_;
  first_ = false;
  calls_ = calls;
  return yes;
}

bool advice_rounds::news(mono_time now, const std::vector<indexes::workload_statement>& statements,
                         const std::string& mark) const {
  if (statements.empty()) return false;
  if (!any_ || mark != mark_ || now - at_ >= refresh) return true;
  return std::ranges::any_of(statements,
                             [this](const auto& s) { return !planned_.contains(s.text); });
}

void advice_rounds::advised(mono_time now,
                            const std::vector<indexes::workload_statement>& statements,
                            const std::string& mark) {
  any_ = true;
  at_ = now;
  mark_ = mark;
  planned_.clear();
  for (const auto& s : statements) planned_.insert(s.text);
}

std::vector<indexes::workload_statement> heaviest(std::vector<seen_template> seen,
                                                  std::size_t most) {
  constexpr std::array<std::string_view, 4> on_rows = {"select", "insert", "update", "delete"};
  std::erase_if(seen, [&](const seen_template& t) {
    return t.calls < 1 || t.text.ends_with("...") ||
           std::ranges::find(on_rows, t.kind) == on_rows.end();
  });
  std::ranges::sort(seen, [](const seen_template& a, const seen_template& b) {
    return a.total_ms != b.total_ms ? a.total_ms > b.total_ms : a.text < b.text;
  });
  if (seen.size() > most) seen.resize(most);
  std::vector<indexes::workload_statement> out;
  for (auto& t : seen) out.push_back({std::move(t.text), t.calls, t.total_ms});
  return out;
}

}  // namespace fairing::app::advise
